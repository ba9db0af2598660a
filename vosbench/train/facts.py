"""What a training's checkpoint says of itself: where and with what it was made."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from vosbench import __version__
from vosbench.digest import digest_file
from vosbench.machine import read_machine
from vosbench.train.job import Job
from vosbench.train.weights import find_export

TEACHER = "teacher"


def facts_of(job: Job) -> dict[str, str]:
    """Gives back device, machine, processes, versions, commit ("" where unknown) and date of a training that runs now,
    and the digest of its teacher's weights ("" without one).
    """
    machine, hardware = read_machine(), job.recipe.hardware
    return {
        "device": job.device,
        "machine": machine.describe(job.device, hardware.processes),
        "processes": str(1 if job.device.startswith("cuda") else hardware.processes),
        "torch": machine.versions.get("torch", ""),
        "vosbench": __version__,
        "commit": commit_of(Path(__file__).parent) or "",
        "date": datetime.now(UTC).date().isoformat(),
        TEACHER: teacher_digest(job),
    }


def teacher_digest(job: Job) -> str:
    """Gives back the digest of the weights of the job's teacher, "" without one."""
    plan = job.recipe.teacher
    return digest_file(find_export(plan.recipe, job.out, job.adapters)) if plan is not None else ""


def commit_of(folder: Path) -> str | None:
    """Gives back the commit of the working tree around ``folder``, marked where files differ from it; else None."""
    try:
        head = _git(folder, "rev-parse", "HEAD")
        changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return None
    return f"{head} with changes" if changed else head


def _git(folder: Path, *words: str) -> str:
    program = shutil.which("git")
    if program is None:
        raise FileNotFoundError("git")
    done = subprocess.run([program, "-C", str(folder), *words], capture_output=True, text=True, check=True, timeout=20)
    return done.stdout.strip()
