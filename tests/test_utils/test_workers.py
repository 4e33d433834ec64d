"""Workers that are forked while OpenCV has threads."""

import subprocess
import sys

SCRIPT = """
import cv2
import numpy as np
from focal_mmseg.utils import worker_pool

def blurred(value):
    return int(cv2.GaussianBlur(np.full((600, 600), value, np.uint8), (0, 0), 5.0).max())

cv2.setNumThreads(3)
assert blurred(7) == 7
with worker_pool(2) as pool:
    assert cv2.getNumThreads() == 1
    print(list(pool.map(blurred, range(10))))
assert cv2.getNumThreads() == 3 and blurred(9) == 9
"""


def test_workers_do_not_wait_for_threads_that_the_fork_lost() -> None:
    # In a process of its own, which can be ended where it waits forever.
    done = subprocess.run([sys.executable, '-c', SCRIPT], capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == str(list(range(10)))
