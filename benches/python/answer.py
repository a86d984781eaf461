"""How a peer's process answers: each line of standard input names a step, and is answered by a line of seconds, the
median of a few runs. The first line that it prints is the peer's version."""
import statistics
import sys
import time

RUNS = 5
WARM_UP = 3


def answer(version, build):
    """Answers until the input ends. `build` makes of the words of a line a function that runs the step, and the number of
    steps that one call of it takes; what it has built is kept for the next line that is the same."""
    built = {}
    print(version, flush=True)
    for line in sys.stdin:
        key = line.strip()
        if key not in built:
            built[key] = build(*key.split())
            for _ in range(WARM_UP):
                built[key][0]()
        run, steps = built[key]
        seconds = []
        for _ in range(RUNS):
            start = time.perf_counter()
            run()
            seconds.append((time.perf_counter() - start) / steps)
        print(statistics.median(seconds), flush=True)
