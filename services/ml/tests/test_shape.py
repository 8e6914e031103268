"""What holds the service together: its README, its memory, its limits."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from event_bus import registry

HERE = Path(__file__).parents[1]
HEAVY = ("jax", "pandas", "pyarrow", "sklearn", "onnxruntime", "numpy", "scipy", "onnx", "vl_convert")


def section(name):
    found = re.search(rf"## {name}\n(.*?)(?=\n## |\Z)", (HERE / "README.md").read_text(), re.S)
    assert found, f"README.md has no section {name}"
    return sorted(set(re.findall(r"`(titan\.[a-z_.]+\.v\d+)`", found[1])))


def test_the_readme_lists_what_is_published():
    assert section("Publishes") == registry.published_types()


def test_the_readme_lists_what_is_listened_to():
    assert section("Listens to") == registry.handled_types()


@pytest.mark.parametrize("module", ["ml.asgi", "ml.worker", "ml.trainer"])
def test_a_process_that_does_nothing_loads_nothing_heavy(module):
    code = (
        f"import sys, {module}; from service_base.worker import prepare; prepare('ml');"
        "import django.urls, ml.commands, ml.queries, ml.handlers;"
        "django.urls.get_resolver().url_patterns;"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert found.stdout.strip() == "[]"
