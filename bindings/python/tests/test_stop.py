"""Progress, and the ways to stop."""

import os
import signal
import subprocess
import sys
import textwrap

import pytest

import gemmule


def test_progress_is_told_and_false_cancels(made, engine):
    told = []
    gemmule.detect(made.stack, engine=engine, progress=lambda *step: told.append(step))
    assert {stage for stage, _, _ in told} >= {"ridge", "smooth", "detect"}
    assert all(done <= total for _, done, total in told)
    for stop in range(len(told)):
        seen = []
        with pytest.raises(gemmule.Cancelled):
            gemmule.detect(made.stack, engine=engine, progress=lambda *s: seen.append(s) or len(seen) <= stop)
        assert len(seen) == stop + 1


def test_what_a_progress_callable_raises_comes_out(made, engine):
    def broken(stage, done, total):
        raise ZeroDivisionError(stage)

    with pytest.raises(ZeroDivisionError, match="noise"):
        gemmule.detect(made.stack, engine=engine, progress=broken)
    with pytest.raises(TypeError):
        gemmule.detect(made.stack, engine=engine, progress=lambda: None)


@pytest.mark.skipif(os.name == "nt", reason="signals are sent as on Unix")
def test_ctrl_c_is_a_keyboard_interrupt():
    program = textwrap.dedent(
        """
        import gemmule, signal
        # A shell's background jobs are started with Ctrl-C ignored; Python then raises nothing.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        engine = gemmule.Engine("cpu")
        made = gemmule.phantom({"phantom": {"planes": 12, "rows": 128, "columns": 192, "seed": 7}})
        print("ready", flush=True)
        try:
            while True:
                gemmule.detect(made.stack, engine=engine)
        except KeyboardInterrupt:
            # The interpreter goes on, and so does gemmule.
            assert len(gemmule.detect(made.stack, engine=engine).spines) > 0
            print("interrupted", flush=True)
        """
    )
    running = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    try:
        assert running.stdout.readline() == "ready\n"
        running.send_signal(signal.SIGINT)
        out, _ = running.communicate(timeout=120)
    finally:
        running.kill()
    assert out == "interrupted\n" and running.returncode == 0
