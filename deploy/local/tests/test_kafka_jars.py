"""Apache Kafka's jars: fetched once, and one sentence with the way out for whatever is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from titan.embedded import kafka_jars
from titan.errors import PartFailed, ToolMissing

JAVA_17 = """echo 'openjdk version "17.0.15" 2025-04-15' >&2"""
JAVA_11 = """echo 'openjdk version "11.0.2" 2019-01-15' >&2"""
JAVA_8 = """echo 'java version "1.8.0_202"' >&2"""
MAVEN = f"""for option; do case $option in -DoutputDirectory=*) into=${{option#*=}};; esac; done
mkdir -p "$into" && : > "$into/kafka_2.13-{kafka_jars.version()}.jar"; echo asked >> "${{0%/*}}/asked" """
MAVEN_ALONE = "echo '[ERROR] Could not transfer artifact from central (https://jars.example.org/maven)'; exit 1"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH of programs that a test writes itself, and an empty cache."""
    (place := tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{place}:/usr/bin:/bin")
    monkeypatch.setattr(kafka_jars, "place", lambda: tmp_path / "cache" / "kafka")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    return place


def write(place: Path, name: str, script: str) -> None:
    (place / name).write_text(f"#!/bin/sh\n{script}\n")
    (place / name).chmod(0o755)


def hide(monkeypatch: pytest.MonkeyPatch, programs: Path) -> None:
    monkeypatch.setenv("PATH", str(programs))


def test_the_jars_are_fetched_once(programs: Path) -> None:
    write(programs, "java", JAVA_17)
    write(programs, "mvn", MAVEN)

    first = kafka_jars.fetched()

    assert kafka_jars.fetched() == first
    assert (programs / "asked").read_text() == "asked\n"


def test_with_the_jars_at_hand_maven_is_not_needed(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(programs, "java", JAVA_17)
    hide(monkeypatch, programs)
    kafka_jars.place().mkdir(parents=True)

    assert kafka_jars.fetched() == kafka_jars.place()


def test_without_java_the_sentence_says_how_to_get_it(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hide(monkeypatch, programs)
    with pytest.raises(ToolMissing, match=r"needs Java 17 or newer and there is none.*default-jre-headless.*--kafka"):
        kafka_jars.fetched()


@pytest.mark.parametrize(
    ("script", "found"), [(JAVA_11, "version 11"), (JAVA_8, "version 1"), ("true", "does not say")]
)
def test_a_java_that_is_too_old_is_named_with_its_version(programs: Path, script: str, found: str) -> None:
    write(programs, "java", script)
    with pytest.raises(ToolMissing, match=f"needs Java 17 or newer and {programs}/java .*{found}"):
        kafka_jars.fetched()


def test_the_java_of_java_home_comes_first(programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "jdk" / "bin").mkdir(parents=True)
    write(programs, "java", JAVA_17)
    write(tmp_path / "jdk" / "bin", "java", JAVA_11)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "jdk"))
    with pytest.raises(ToolMissing, match="jdk/bin/java is version 11"):
        kafka_jars.fetched()


def test_without_maven_the_sentence_says_how_to_get_it(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(programs, "java", JAVA_17)
    hide(monkeypatch, programs)
    with pytest.raises(ToolMissing, match=r"Maven is needed once.*apt-get install maven.*--kafka"):
        kafka_jars.fetched()


def test_a_maven_that_reaches_nobody_is_one_sentence_without_an_address(programs: Path) -> None:
    write(programs, "java", JAVA_17)
    write(programs, "mvn", MAVEN_ALONE)

    with pytest.raises(PartFailed, match="could not fetch Apache Kafka") as caught:
        kafka_jars.fetched()

    assert "://" not in str(caught.value)
    assert "example.org" in (kafka_jars.place().parent / "maven.log").read_text()
    assert not kafka_jars.place().exists()
