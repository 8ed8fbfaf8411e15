"""What a wheel holds; `make smoke` installs one and uses it."""

import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src/gatewise"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    code = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", code, str(folder)], cwd=ROOT, check=True, timeout=120)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as held:
        yield {name: held.read(name) for name in held.namelist()}


def test_every_file_of_the_package_is_in_and_nothing_else(wheel):
    ours = {
        path.relative_to(PACKAGE.parent).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name for name in wheel if ".dist-info/" not in name} == ours
    needed = {"py.typed", "report/style.css", "data/airline_passengers.csv", "data/real_sets.toml"}
    assert {f"gatewise/{name}" for name in needed} <= ours


def test_it_brings_its_command_its_licence_and_its_extras(wheel):
    told = {name.split("/")[1]: text for name, text in wheel.items() if ".dist-info/" in name}
    assert "gatewise = gatewise.cli:main" in told["entry_points.txt"].decode()
    assert any(name.endswith("licenses/LICENSE") for name in wheel)
    metadata = Parser().parsestr(told["METADATA"].decode())
    extras = set(metadata.get_all("Provides-Extra"))
    assert {"torch", "tensorflow", "jax", "parquet", "zh", "tune", "track"} <= extras
    frameworks = ("torch", "tensorflow", "keras", "jax")
    for needed in metadata.get_all("Requires-Dist"):
        assert "extra ==" in needed or not needed.startswith(frameworks), needed
