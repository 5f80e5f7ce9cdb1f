"""The data directory: made once, its owner's alone, whoever asks first and however many at once."""

from __future__ import annotations

import multiprocessing
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.data_dir import DataDir, DataDirError

ASKERS = 16


def _secret(root: str) -> str:
    return DataDir(Path(root)).secret("secret")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "deep" / "data")
    data.make()
    data.make()
    assert mode(data.root) == mode(data.run) == 0o700


def test_a_file_in_its_place__refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(DataDirError, match="cannot be made: File exists"):
        DataDir(tmp_path / "data").make()


def test_a_place_below_a_file__refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataDirError, match="cannot be made: Not a directory"):
        DataDir(tmp_path / "file" / "data").make()


def test_a_secret_is_made_once_and_kept(tmp_path: Path) -> None:
    first = DataDir(tmp_path).secret("secret")
    assert DataDir(tmp_path).secret("secret") == first
    assert DataDir(tmp_path).secret("audit") != first
    assert len(first) > 50
    assert mode(tmp_path / "secret.key") == 0o600


def test_many_processes_that_ask_at_once_get_the_same_secret(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Pool(4) as pool:
        answers = pool.map(_secret, [str(tmp_path)] * ASKERS, chunksize=1)
    assert len(set(answers)) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "secret.key"]


def test_many_threads_that_ask_at_once_get_the_same_secret(tmp_path: Path) -> None:
    with ThreadPoolExecutor(ASKERS) as threads:
        answers = list(threads.map(_secret, [str(tmp_path)] * ASKERS))
    assert len(set(answers)) == 1


def test_a_secret_that_was_emptied__refused(tmp_path: Path) -> None:
    (tmp_path / "audit.key").write_text("\n")
    with pytest.raises(DataDirError, match=r"audit\.key is empty"):
        DataDir(tmp_path).secret("audit")
