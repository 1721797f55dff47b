"""Threads that load models at once all get what they import."""

import subprocess
import sys

MANY = """
import threading, time
from core import imports

failed = []

def load(number):
    time.sleep(number * 0.02)
    try:
        imports.whole("transformers")
        from transformers import AutoModel
    except ImportError as error:
        failed.append(error)

threads = [threading.Thread(target=load, args=(number,)) for number in range(30)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert not failed, failed
"""


def test_threads_that_import_from_transformers_at_once_all_get_it() -> None:
    """Without `whole`, all but the first of them did not: two index changes at once failed as a defect."""
    done = subprocess.run([sys.executable, "-c", MANY], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
