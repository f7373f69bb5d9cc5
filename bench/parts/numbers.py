"""Numbers of the simulated carrier for measuring: `docs/carrier.md` tells what each does."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

#: Rings for half a second, then busy.
BUSY = "30"
#: Rings for half a second, answers, sends nothing, hangs up after SILENCE_S.
ANSWERS = "17"
#: One call in so many is answered.
ANSWERED_ONE_IN = 10
#: Area codes of many time zones; each has a hundred numbers for a behaviour.
_CODES = (
    "201 202 203 205 206 207 208 209 210 212 213 214 215 216 217 218 219 224 225 228 229 231 234"
    " 239 240 248 251 252 253 254 256 260 262 267 269 270 276 281 301 302 303 304 305 307 308 309"
    " 310 312 313 314 315 316 317 318 319 320 321 323 325 330 331 334 336 337 339 347 351 352 360"
    " 361 386 401 402 404 405 406 407 408 409 410 412 413 414 415 417 419 423 424 425 432 434 435"
    " 440 443 469 478 479 480 484 501 502 503 504 505 507 508 509 510 512 513 515 516 517 518 520"
    " 530 540 541 551 559 561 562 563 567 570 571 573 574 580 585 586 601 602 603 605 606 607 608"
    " 609 610 612 614 615 616 617 618 619 620 623 626 630 631 636 641 646 650 651 660 661 662 678"
)
AREA_CODES = tuple(_CODES.split())
MAX_CALLS = len(AREA_CODES) * 100


def numbers(n: int, *, answered_one_in: int = ANSWERED_ONE_IN) -> list[str]:
    """`n` different numbers in E.164; every `answered_one_in`th is answered, all by 1."""
    if n > MAX_CALLS:
        raise ValueError(f"there are {MAX_CALLS} numbers only")
    return list(islice(_numbers(answered_one_in), n))


def _numbers(answered_one_in: int) -> Iterator[str]:
    for last in range(100):
        for index, area_code in enumerate(AREA_CODES):
            answers = (last * len(AREA_CODES) + index) % answered_one_in == 0
            yield f"+1{area_code}555{ANSWERS if answers else BUSY}{last:02d}"
