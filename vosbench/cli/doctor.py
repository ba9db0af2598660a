"""``vosbench doctor``: the machine, its noise, and what the harness itself costs."""

from __future__ import annotations

import click

from vosbench.cli.options import echo_json, json_option
from vosbench.machine import default_device, read_machine


@click.command(short_help="Show the machine, what disturbs timings here, and the harness's own cost.")
@json_option
def command(as_json: bool) -> None:
    """Show the machine, what disturbs timings here and how to mend it, and what the harness itself costs."""
    from vosbench.doctor import find_noise, measure_overhead

    machine = read_machine()
    device = default_device(machine)
    findings = find_noise()
    overhead = measure_overhead()
    if as_json:
        fingerprint = machine.fingerprint(device, machine.cores)
        echo_json({"machine": machine, "fingerprint": fingerprint, "findings": findings, "overhead": overhead})
        return
    click.echo(f"machine: {machine.describe(device, machine.cores)}, {machine.memory_bytes / 2**30:.0f} GiB")
    click.echo(f"system: {machine.kernel}, Python {machine.python}, torch {machine.versions['torch'] or 'not there'}")
    for name, uuid, size in zip(machine.gpus, machine.gpu_uuids, machine.gpu_bytes, strict=True):
        cuda = f"driver {machine.driver}, CUDA {machine.cuda}"
        memory = f"{size / 2**30:.0f} GiB" if size else "memory not told"
        click.echo(f"card: {name}, {memory}, {uuid}, {cuda}")
    if machine.card_trouble:
        click.echo(f"cards: {machine.card_trouble}")
    click.echo(f"clock of the CPU: governor {machine.governor or 'not told here'}")
    click.echo(f"fingerprint: {machine.fingerprint(device, machine.cores)} ({device}, {machine.cores} threads)")
    click.echo("\nwhat disturbs measurements here:")
    for finding in findings:
        click.echo(f"  {finding.what}\n    {finding.fix}")
    if not findings:
        click.echo("  nothing was found")
    growth = overhead.growth.per_frame
    click.echo(
        f"\nthe harness itself, with the null method over {overhead.frames} frames of 480 x 854:\n"
        f"  inside the clock {overhead.inside_ms:.3f} ms a frame, around it {overhead.outside_ms:.3f} ms "
        f"({overhead.writing_ms:.3f} of it to write the mask); CPU time {overhead.cpu_ms:.3f} ms\n"
        f"  memory growth {'not measured' if growth is None else f'{growth:.0f} bytes a frame'}"
        f" ({overhead.growth.verdict})"
    )
