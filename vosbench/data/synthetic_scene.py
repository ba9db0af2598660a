"""The description of a synthetic video: what happens in it, and the rules that make a description possible."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vosbench.data.synthetic_waves import ease
from vosbench.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """Object ``object`` (from 1) is not in the picture from frame ``first`` to frame ``last``, both included.

    It leaves over the border in the frames before and comes back over the same border afterwards.
    """

    object: int
    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What happens in a synthetic video. Objects are numbered from 1.

    ``size`` is an object's mean diameter as a share of the shorter side; ``speed`` 1 moves an object up to about
    1 % of the width per frame; ``deformation`` scales bending and swinging limbs; ``entries`` names the frame at
    which each object enters (those not named: 0); ``occlusion`` is about the share of the time in which more than a
    tenth of an object is hidden by an occluder of its own (0: there is none; at 1 about 0.9 is reached);
    ``distractors`` counts unlabelled copies that look like the objects; ``cuts`` are the frames at which a new shot
    begins: another background, other places. ``light``, ``blur`` and ``noise`` scale changes of light, defocus and
    motion blur, and sensor noise; 0 turns each off.
    """

    id: str
    seed: int
    height: int = 480
    width: int = 854
    length: int = 100
    objects: int = 3
    fps: float = 24.0
    size: float = 0.36
    speed: float = 1.0
    deformation: float = 1.0
    entries: tuple[int, ...] = ()
    absences: tuple[Absence, ...] = ()
    occlusion: float = 0.0
    distractors: int = 0
    cuts: tuple[int, ...] = ()
    light: float = 1.0
    blur: float = 1.0
    noise: float = 1.0

    def entry(self, number: int) -> int:
        """Gives back the frame at which object ``number`` enters."""
        return self.entries[number - 1] if number <= len(self.entries) else 0

    def passage(self) -> int:
        """Gives back in how many frames an object crosses the border when it comes or goes."""
        return max(4, round(16 / max(self.speed, 0.1)))


def outside(scene: Scene, number: int, index: int) -> float | None:
    """Gives back how far out of the picture object ``number`` is at a frame: 0 not at all, 1 gone, None absent.

    At the frame it enters it stands half inside, at 0.5; after an absence it comes from right outside.
    """
    entry, frames = scene.entry(number), scene.passage()
    if index < entry:
        return None
    gone = 0.5 * (1.0 - ease((index - entry) / frames)) if entry else 0.0
    for absence in scene.absences:
        if absence.object != number:
            continue
        if absence.first <= index <= absence.last:
            return None
        if absence.first - frames < index < absence.first:
            gone = max(gone, ease((index - absence.first + frames) / frames))
        elif absence.last < index < absence.last + frames:
            gone = max(gone, 1.0 - ease((index - absence.last) / frames))
    return gone


def check_scene(scene: Scene) -> None:
    """Raises a `UsageError` that names the first thing in ``scene`` that cannot be drawn."""
    for problem, fix in _problems(scene):
        raise UsageError(problem, where=f"synthetic video {scene.id}", fix=fix)


def _problems(scene: Scene) -> Iterator[tuple[str, str]]:
    for name in ("height", "width", "length"):
        if getattr(scene, name) < 1:
            yield f"{name} is {getattr(scene, name)}", "give a number of 1 or more"
    for name in ("objects", "distractors", "speed", "deformation", "light", "blur", "noise"):
        if getattr(scene, name) < 0:
            yield f"{name} is {getattr(scene, name)}", "give 0 or more"
    if scene.objects > 65535:
        yield f"{scene.objects} objects do not fit into a label map of 16 bits", "ask for at most 65535"
    if scene.distractors and not scene.objects:
        yield "distractors are copies of objects, and there are none", "ask for at least one object"
    if not 0.0 <= scene.occlusion <= 1.0:
        yield f"occlusion is {scene.occlusion}", "give a share between 0 and 1"
    if scene.size <= 0.0:
        yield f"size is {scene.size}", "give a share above 0 of the shorter side"
    if len(scene.entries) > scene.objects or min(scene.entries, default=0) < 0:
        yield f"entries {scene.entries} do not fit {scene.objects} objects", "name at most one frame per object"
    if any(later <= earlier for earlier, later in zip((0, *scene.cuts), scene.cuts, strict=False)):
        yield f"cuts {scene.cuts} do not ascend from 1", "name each cut once, in order"
    for absence in scene.absences:
        if not 1 <= absence.object <= scene.objects or absence.first > absence.last:
            yield f"{absence} does not fit {scene.objects} objects", "number objects from 1, first not after last"
