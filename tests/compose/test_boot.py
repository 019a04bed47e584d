"""From a bare Python to the environment: what is noticed, rebuilt and said. Real pip and venv, no network."""

import ast
import base64
import hashlib
import os
import runpy
import shutil
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from compose import boot

ROOT = Path(boot.__file__).resolve().parent.parent
MANAGE = ROOT / "manage.py"


def wheel(folder: Path, name: str, version: str) -> str:
    """Make a minimal wheel and return its lock line."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": f"version = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = [f"{path},sha256={digest(text)},{len(text)}" for path, text in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""])
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inside, text in files.items():
            archive.writestr(inside, text)
    return f"{name}=={version} --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


def digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> boot.Environment:
    """A checkout whose locks name one tiny package each, and a pip that looks in one folder only."""
    wheels = tmp_path / "wheels"
    locks = tmp_path / "compose" / "locks"
    wheels.mkdir()
    locks.mkdir(parents=True)
    (locks / "demo.txt").write_text(wheel(wheels, "alpha", "1.0"))
    (locks / "test.txt").write_text((locks / "demo.txt").read_text() + wheel(wheels, "beta", "1.0"))
    (locks / "uv.txt").write_text("uv==0.0.1 --hash=sha256:" + "0" * 64 + "\n")
    (tmp_path / "pip.conf").write_text(f"[global]\nno-index = true\nfind-links = {wheels}\n")
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    monkeypatch.setenv("PATH", "/nonexistent")  # no uv there
    monkeypatch.setattr(boot, "PROOF", "import alpha")
    heard: list[str] = []
    environment = boot.Environment(tmp_path, heard.append)
    environment.heard = heard  # type: ignore[attr-defined]
    environment.ways = lambda: iter([("unpacking", lambda lock: unpack(environment, lock))])
    return environment


def unpack(environment: boot.Environment, lock: Path) -> None:
    """What an installer does, quickly: a real environment with the locked wheels in it."""
    if not environment.python.exists():
        environment.run([environment.base, "-m", "venv", "--without-pip", environment.venv])
    packages = next(environment.venv.glob("lib/python3.*/site-packages"))
    for line in lock.read_text().splitlines():
        name, version = line.split()[0].split("==")
        for old in packages.glob(f"{name}-*.dist-info"):
            shutil.rmtree(old)
        zipfile.ZipFile(environment.root / "wheels" / f"{name}-{version}-py3-none-any.whl").extractall(packages)


@pytest.fixture
def by_pip(checkout: boot.Environment) -> boot.Environment:
    """The same with the last resort, the one to be sure of: real venv, real pip."""
    checkout.ways = lambda: iter([("venv and pip", checkout.with_pip)])
    return checkout


def version_of(environment: boot.Environment, package: str) -> str:
    program = f"import {package}; print({package}.version)"
    return subprocess.run(
        [environment.python, "-c", program], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_a_missing_environment_is_built_and_then_left_alone(checkout):
    assert checkout.ensure("demo") is True
    assert version_of(checkout, "alpha") == "1.0"
    before = checkout.stamp.stat().st_mtime_ns
    assert checkout.ensure("demo") is False
    assert checkout.stamp.stat().st_mtime_ns == before


def test_a_stale_stamp_brings_the_new_versions(checkout):
    checkout.ensure("demo")
    (checkout.locks / "demo.txt").write_text(wheel(checkout.root / "wheels", "alpha", "2.0.0"))
    assert not checkout.fits("demo")
    assert checkout.ensure("demo") is True
    assert version_of(checkout, "alpha") == "2.0.0"


def test_the_suites_environment_satisfies_the_demo_and_is_never_taken_back(checkout):
    checkout.ensure("test")
    assert checkout.fits("demo")
    one_more = wheel(checkout.root / "wheels", "alpha", "2.0.0")
    (checkout.locks / "demo.txt").write_text(one_more)
    (checkout.locks / "test.txt").write_text(one_more + wheel(checkout.root / "wheels", "beta", "1.0"))
    checkout.ensure("demo")
    assert (version_of(checkout, "alpha"), version_of(checkout, "beta")) == ("2.0.0", "1.0")


def test_the_demos_environment_does_not_satisfy_the_suite(checkout):
    checkout.ensure("demo")
    assert not checkout.fits("test")


def test_a_half_made_environment_is_made_again_from_nothing(checkout):
    checkout.ensure("demo")
    rubbish = checkout.venv / "half-written"
    rubbish.touch()
    checkout.unfinished.touch()  # what a killed build leaves
    assert not checkout.fits("demo")
    checkout.ensure("demo")
    assert not rubbish.exists()
    assert checkout.fits("demo")
    assert "half made" in checkout.heard[-2]


def test_a_killed_build_leaves_the_mark_of_an_unfinished_one(checkout):
    def killed(_lock: Path) -> None:
        raise KeyboardInterrupt

    checkout.ways = lambda: iter([("killed", killed)])
    with pytest.raises(KeyboardInterrupt):
        checkout.ensure("demo")
    assert checkout.unfinished.exists()
    assert checkout.read_stamp() is None


def test_a_package_that_went_missing_is_noticed(checkout):
    checkout.ensure("demo")
    metadata = next(checkout.venv.glob("lib/python3.*/site-packages/alpha-1.0.dist-info"))
    metadata.rename(metadata.with_name("gone"))
    assert not checkout.fits("demo")


def test_an_interpreter_that_went_missing_is_noticed(checkout):
    checkout.ensure("demo")
    checkout.python.unlink()
    assert not checkout.fits("demo")
    checkout.ensure("demo")
    assert checkout.fits("demo")


def test_when_uv_fails_pip_builds_it_and_brings_it_up_to_date(checkout):
    broken = checkout.root / "uv"
    broken.write_text("#!/bin/sh\necho 'uv is out of order'; exit 3\n")
    broken.chmod(0o755)
    last = ("venv and pip", checkout.with_pip)
    checkout.ways = lambda: iter([("uv", lambda lock: checkout.with_uv(broken, lock)), last])
    assert checkout.ensure("demo") is True
    assert version_of(checkout, "alpha") == "1.0"
    assert "uv is out of order" in checkout.log.read_text()
    (checkout.locks / "demo.txt").write_text(wheel(checkout.root / "wheels", "alpha", "2.0.0"))
    checkout.ensure("demo")
    assert version_of(checkout, "alpha") == "2.0.0"


def test_a_file_with_another_digest_is_refused_with_a_sentence(by_pip):
    (by_pip.locks / "demo.txt").write_text("alpha==1.0 --hash=sha256:" + "0" * 64 + "\n")
    with pytest.raises(boot.BootError, match="does not have the digest that is locked"):
        by_pip.ensure("demo")
    assert not by_pip.fits("demo")


def test_an_unreachable_registry_is_said_in_one_sentence(by_pip, monkeypatch):
    (by_pip.root / "pip.conf").write_text("[global]\nindex-url = http://127.0.0.1:9/simple\n")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(boot.BootError, match="no package registry could be reached"):
        by_pip.ensure("demo")


def test_a_missing_lock_is_named(checkout):
    (checkout.locks / "demo.txt").unlink()
    with pytest.raises(boot.BootError, match=r"demo\.txt cannot be read"):
        checkout.ensure("demo")


def test_two_starts_build_once(checkout):
    """The second start waits for the first and finds everything done."""
    entered, built = threading.Event(), []

    def slow(lock: Path) -> None:
        entered.set()
        built.append(lock)
        unpack(checkout, lock)

    checkout.ways = lambda: iter([("slow", slow)])
    first = threading.Thread(target=checkout.ensure, args=("demo",))
    first.start()
    assert entered.wait(20)
    assert checkout.ensure("demo") is True
    first.join()
    assert len(built) == 1


def test_what_pip_is_told_is_handed_to_uv(checkout, monkeypatch):
    (checkout.root / "pip.conf").write_text("[global]\nindex-url = http://127.0.0.1:9/simple\ncert = /from/file.pem\n")
    monkeypatch.setenv("PIP_CERT", "/from/environment.pem")
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    handed = checkout.uv_environment()
    assert handed["UV_DEFAULT_INDEX"] == "http://127.0.0.1:9/simple"
    assert handed["SSL_CERT_FILE"] == "/from/environment.pem"


@pytest.mark.parametrize("home", ["", "/nonexistent"])
def test_without_a_home_the_caches_stay_in_the_checkout(checkout, monkeypatch, home):
    monkeypatch.setenv("HOME", home)
    assert checkout.uv_environment()["UV_CACHE_DIR"].startswith(str(checkout.tools))
    assert checkout.pip_environment()["PIP_CACHE_DIR"].startswith(str(checkout.tools))


def test_an_old_python_is_told_its_version_and_what_to_do():
    old = f"""
import sys, runpy
sys.version_info = (3, 8, 18, "final", 0)
sys.argv = [{str(MANAGE)!r}, "demo"]
runpy.run_path({str(MANAGE)!r}, run_name="__main__")
"""
    said = subprocess.run([sys.executable, "-c", old], capture_output=True, text=True, env={"PATH": "/nonexistent"})
    assert said.returncode == 2
    assert said.stderr.startswith("This is Python 3.8.18; the tracker needs Python 3.11 or newer.")


def test_a_newer_python_on_the_path_is_named():
    too_old = runpy.run_path(str(MANAGE))["too_old"]
    assert "run `python3.12 manage.py" in too_old((3, 9, 2), "python3.12")


def test_manage_is_written_in_words_old_interpreters_understand():
    ast.parse(MANAGE.read_text(encoding="ascii"), feature_version=(3, 4))
