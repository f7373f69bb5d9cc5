"""Presets of rules: what each fills in, and who says so."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter

from admin_api.auth import Supervisor
from admin_api.problems import responses
from admin_api.schemas.basics import Listing
from admin_api.schemas.presets import FigureOut, PresetOut
from engine.core.presets import PRESETS, Preset

router = APIRouter(prefix="/presets", tags=["campaigns"])


@router.get("", responses=responses())
async def list_presets(_token: Supervisor) -> Listing[PresetOut]:
    """Not legal advice: a figure that is not verified says so."""
    return Listing(items=[_out(preset) for preset in PRESETS.values()])


def _out(preset: Preset) -> PresetOut:
    return PresetOut(
        name=preset.name,
        title=preset.title,
        kind=preset.kind,
        settings=dict(preset.settings),
        figures=[FigureOut(**asdict(figure)) for figure in preset.figures],
    )
