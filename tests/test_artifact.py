"""The saved folder: whole or not at all, checked before it is believed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from gatewise.artifact import Artifact, read_artifact, versions, write_artifact
from gatewise.errors import ArtifactError
from gatewise.tasks.shared import load


def artifact(value: float = 1.0) -> Artifact:
    return Artifact(
        task="forecast",
        model={"horizon": 3, "name": "流感"},
        weights={"head.kernel": np.full((2, 3), value, dtype=np.float32).T},
        arrays={"tail": np.arange(4.0), "nothing": np.zeros((0, 2))},
        graphs={"model": b"graph"},
        versions=versions(torch="2.13"),
    )


def test_it_comes_back_as_it_was(tmp_path: Path) -> None:
    write_artifact(tmp_path / "m", artifact())
    back = read_artifact(tmp_path / "m")
    assert back.model == artifact().model
    assert back.graphs == {"model": b"graph"}
    assert back.versions["torch"] == "2.13"
    np.testing.assert_array_equal(back.weights["head.kernel"], artifact().weights["head.kernel"])
    np.testing.assert_array_equal(back.arrays["tail"], np.arange(4.0))
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def test_a_second_save_replaces_the_first_and_leaves_nothing_behind(tmp_path: Path) -> None:
    for value in (1.0, 2.0):
        write_artifact(tmp_path / "m", artifact(value))
    assert read_artifact(tmp_path / "m").weights["head.kernel"][0, 0] == 2.0
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def test_a_failed_save_leaves_the_previous_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_artifact(tmp_path / "m", artifact(1.0))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gatewise.artifact.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_artifact(tmp_path / "m", artifact(2.0))
    monkeypatch.undo()
    assert read_artifact(tmp_path / "m").weights["head.kernel"][0, 0] == 1.0
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


@pytest.mark.parametrize("manifest", [None, '{"name": "a web app"}', "ours"])
def test_what_is_not_a_model_alone_is_not_overwritten(tmp_path: Path, manifest: str | None) -> None:
    folder = tmp_path / "thesis"
    if manifest == "ours":
        write_artifact(folder, artifact())
    else:
        folder.mkdir()
        if manifest:
            (folder / "manifest.json").write_text(manifest)
    (folder / "chapter.txt").write_text("years of work")
    with pytest.raises(ArtifactError, match="it will not be overwritten"):
        write_artifact(folder, artifact())
    assert (folder / "chapter.txt").read_text() == "years of work"


def test_a_save_through_a_link_changes_what_it_points_to(tmp_path: Path) -> None:
    write_artifact(tmp_path / "v1", artifact(1.0))
    (tmp_path / "latest").symlink_to(tmp_path / "v1")
    write_artifact(tmp_path / "latest", artifact(2.0))
    assert (tmp_path / "latest").is_symlink()
    assert read_artifact(tmp_path / "v1").weights["head.kernel"][0, 0] == 2.0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["latest", "v1"]


@pytest.mark.parametrize(
    "name", ["model.json", "weights.safetensors", "arrays.safetensors", "model.onnx"]
)
@pytest.mark.parametrize("damage", ["flip", "cut", "remove"])
def test_damage_to_any_file_is_named(tmp_path: Path, name: str, damage: str) -> None:
    write_artifact(tmp_path / "m", artifact())
    path = tmp_path / "m" / name
    content = bytearray(path.read_bytes())
    if damage == "remove":
        path.unlink()
    else:
        content[len(content) // 2] ^= 1
        path.write_bytes(content if damage == "flip" else content[:-1])
    with pytest.raises(ArtifactError, match=name):
        read_artifact(tmp_path / "m")


@pytest.mark.parametrize(
    "manifest",
    ["", "[]", "{}", '{"format": "zip"}', '{"format": "gatewise", "format_version": "x"}', "\x00"],
)
def test_a_foreign_manifest_is_refused(tmp_path: Path, manifest: str) -> None:
    (tmp_path / "manifest.json").write_text(manifest)
    with pytest.raises(ArtifactError, match="not the manifest of a gatewise model"):
        read_artifact(tmp_path)


def test_missing_foreign_and_later_folders_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="does not exist"):
        load(tmp_path / "nowhere")
    with pytest.raises(ArtifactError, match=r"has no manifest\.json"):
        load(tmp_path)
    write_artifact(tmp_path / "run" / "model", artifact())
    with pytest.raises(ArtifactError, match=r"did you mean .*model"):
        load(tmp_path / "run")
    path = tmp_path / "run" / "model" / "manifest.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps({**manifest, "format_version": 99}))
    with pytest.raises(ArtifactError, match="in format 99; this version reads up to 1"):
        load(tmp_path / "run" / "model")
    path.write_text(json.dumps({**manifest, "task": "dream"}))
    with pytest.raises(ArtifactError, match="the task 'dream', which this version does not know"):
        load(tmp_path / "run" / "model")


def test_a_manifest_cannot_reach_outside_its_folder(tmp_path: Path) -> None:
    write_artifact(tmp_path / "m", artifact())
    path = tmp_path / "m" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["files"]["../secret"] = "0" * 64
    path.write_text(json.dumps(manifest))
    with pytest.raises(ArtifactError, match="names a file outside"):
        read_artifact(tmp_path / "m")


def test_a_whole_folder_with_the_wrong_contents_is_an_artifact_error(tmp_path: Path) -> None:
    write_artifact(tmp_path / "m", artifact())
    with pytest.raises(ArtifactError, match="is not what this version expects"):
        load(tmp_path / "m")
