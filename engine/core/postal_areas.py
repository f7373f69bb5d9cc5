"""What postal codes tell of the zone in countries with several: hand-made from official rules.

Prefixes of a code without blanks; where two fit the longer one counts. Zones are those that the
IANA database (zone.tab) has for the part of the country; where a prefix covers more than one, all
of them are named. A country that is not here has one zone, or no rule that is short and official
(Russia, Indonesia, Mongolia, …): then the number decides.
"""

from __future__ import annotations

from typing import Final

#: Canada Post, Addressing Guidelines: the first letter is the province, or a part of it.
CA: Final = (
    ("CA-NL", "America/Goose_Bay America/St_Johns", "A"),
    ("CA-NS", "America/Glace_Bay America/Halifax", "B"),
    ("CA-PE", "America/Halifax", "C"),
    ("CA-NB", "America/Moncton", "E"),
    # Eastern Quebec has the Magdalen Islands and the Lower North Shore, both on Atlantic time.
    ("CA-QC", "America/Blanc-Sablon America/Halifax America/Toronto", "G"),
    ("CA-QC", "America/Toronto", "H J"),
    ("CA-ON", "America/Toronto", "K L M N"),
    ("CA-ON", "America/Atikokan America/Toronto America/Winnipeg", "P"),
    ("CA-MB", "America/Winnipeg", "R"),
    # Lloydminster has Alberta's time, Creighton and Denare Beach have Manitoba's.
    ("CA-SK", "America/Edmonton America/Regina America/Swift_Current America/Winnipeg", "S"),
    ("CA-AB", "America/Edmonton", "T"),
    (
        "CA-BC",
        "America/Creston America/Dawson_Creek America/Edmonton America/Fort_Nelson "
        "America/Vancouver",
        "V",
    ),
    (
        "CA-NT CA-NU",
        "America/Cambridge_Bay America/Edmonton America/Inuvik America/Iqaluit "
        "America/Rankin_Inlet America/Resolute",
        "X",
    ),
    ("CA-YT", "America/Dawson America/Whitehorse", "Y"),
)
#: Australia Post's allocation to the states; a later row has the last word: codes on both sides of
#: a border (0872, 4825, those of New South Wales with Queensland), Yancowinna (2880) and Eucla.
AU: Final = (
    ("AU-ACT", "Australia/Sydney", "0200-0299 2600-2618 2900-2920"),
    ("AU-NSW", "Australia/Sydney", "1000-2599 2619-2878 2881-2897 2921-2999"),
    ("AU-NSW", "Australia/Broken_Hill Australia/Sydney", "2879-2880"),
    ("AU-NSW", "Australia/Lord_Howe", "2898"),
    ("", "Pacific/Norfolk", "2899"),
    ("AU-VIC", "Australia/Melbourne", "3000-3999 8000-8999"),
    ("AU-QLD", "Australia/Brisbane", "4000-4999 9000-9999"),
    ("AU-NSW AU-QLD", "Australia/Brisbane Australia/Sydney", "2406 2485-2486 4225 4375-4387"),
    ("AU-NT AU-QLD", "Australia/Brisbane Australia/Darwin", "4825"),
    ("AU-SA", "Australia/Adelaide", "5000-5999"),
    ("AU-WA", "Australia/Perth", "6000-6797 6800-6999"),
    ("AU-WA", "Australia/Eucla Australia/Perth", "6443"),
    ("", "Indian/Christmas", "6798"),
    ("", "Indian/Cocos", "6799"),
    ("AU-TAS", "Australia/Hobart", "7000-7999"),
    ("AU-NT", "Australia/Darwin", "0800-0999"),
    ("AU-NT AU-SA AU-WA", "Australia/Adelaide Australia/Darwin Australia/Perth", "0872"),
)
#: The first two digits are the province (Instituto Nacional de Estadística): 35 Las Palmas and 38
#: Santa Cruz de Tenerife, 51 Ceuta, 52 Melilla.
ES: Final = (
    ("", "Europe/Madrid", "01-34 36-37 39-50"),
    ("", "Atlantic/Canary", "35 38"),
    ("", "Africa/Ceuta", "51-52"),
)
#: CTT: 90 to 94 Madeira, 95 to 99 the Azores.
PT: Final = (
    ("", "Europe/Lisbon", "10-89"),
    ("", "Atlantic/Madeira", "90-94"),
    ("", "Atlantic/Azores", "95-99"),
)
#: La Poste: the first digits are the department or territory (INSEE, code officiel géographique).
FR: Final = (
    ("", "Europe/Paris", "010-959"),
    ("", "America/Guadeloupe", "971"),
    ("", "America/Martinique", "972"),
    ("", "America/Cayenne", "973"),
    ("", "Indian/Reunion", "974"),
    ("", "America/Miquelon", "975"),
    ("", "Indian/Mayotte", "976"),
    ("", "America/St_Barthelemy", "977"),
    ("", "America/Marigot", "978"),
    ("", "Europe/Monaco", "980"),
    ("", "Pacific/Wallis", "986"),
    ("", "Pacific/Gambier Pacific/Marquesas Pacific/Tahiti", "987"),
    ("", "Pacific/Noumea", "988"),
)
#: Correios, faixas de CEP por UF.
BR: Final = (
    ("", "America/Sao_Paulo", "010-399 700-767 800-999"),
    ("", "America/Bahia", "400-489"),
    ("", "America/Maceio", "490-499 570-579"),
    ("", "America/Recife", "500-569"),
    ("", "America/Noronha", "53990"),
    ("", "America/Fortaleza", "580-659"),
    ("", "America/Belem America/Santarem", "660-688"),
    ("", "America/Belem", "689"),
    ("", "America/Eirunepe America/Manaus", "690-692 694-698"),
    ("", "America/Boa_Vista", "693"),
    ("", "America/Rio_Branco", "699"),
    ("", "America/Porto_Velho", "768-769 789"),
    ("", "America/Araguaina", "770-779"),
    ("", "America/Cuiaba", "780-788"),
    ("", "America/Campo_Grande", "790-799"),
)
#: Correos de México: the first two digits are the state, or a part of it.
MX: Final = (
    ("", "America/Mexico_City", "01-16 20 28-30 36-62 68-76 78-79 86 90-96 98-99"),
    ("", "America/Tijuana", "21-22"),
    ("", "America/Mazatlan", "23 80-82"),
    ("", "America/Merida", "24 97"),
    ("", "America/Matamoros America/Monterrey", "25-27 64-67 87-89"),
    ("", "America/Chihuahua America/Ciudad_Juarez America/Ojinaga", "31-33"),
    ("", "America/Monterrey", "34-35"),
    ("", "America/Bahia_Banderas America/Mazatlan", "63"),
    ("", "America/Cancun", "77"),
    ("", "America/Hermosillo", "83-85"),
)
#: States whose zones a contact's `region` tells, besides those of the US.
STATES: Final = {
    **{region: zones for region, zones, codes in CA if region not in ("CA-NT CA-NU", "CA-QC")},
    "CA-NT": "America/Edmonton America/Inuvik",
    "CA-NU": (
        "America/Atikokan America/Cambridge_Bay America/Iqaluit America/Rankin_Inlet "
        "America/Resolute"
    ),
    "CA-ON": "America/Atikokan America/Toronto America/Winnipeg",
    "CA-QC": "America/Blanc-Sablon America/Halifax America/Toronto",
    "AU-ACT": "Australia/Sydney",
    "AU-NSW": "Australia/Broken_Hill Australia/Lord_Howe Australia/Sydney",
    "AU-NT": "Australia/Darwin",
    "AU-QLD": "Australia/Brisbane",
    "AU-SA": "Australia/Adelaide",
    "AU-TAS": "Australia/Hobart",
    "AU-VIC": "Australia/Melbourne",
    "AU-WA": "Australia/Eucla Australia/Perth",
}
