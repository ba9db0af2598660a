"""Where data, weights and the cache are looked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from vosbench.config import find_places
from vosbench.errors import UsageError


@pytest.fixture
def folders(tmp_path):
    for name in ("flag", "environment", "file", "davis"):
        (tmp_path / name).mkdir()
    return tmp_path


@pytest.fixture
def environment(folders):
    """Gives back an environment whose configuration file names a data root and a weights folder."""
    (folders / "config" / "vosbench").mkdir(parents=True)
    (folders / "config" / "vosbench" / "config.yaml").write_text(f"data: {folders}/file\nweights: {folders}/w-file\n")
    return {"XDG_CONFIG_HOME": str(folders / "config"), "XDG_CACHE_HOME": str(folders / "cache")}


def test_a_flag_wins_over_the_environment_and_that_over_the_file(folders, environment):
    assert folders / "file" == find_places((), environment).data
    environment["VOSBENCH_DATA"] = str(folders / "environment")
    assert folders / "environment" == find_places((), environment).data
    assert folders / "flag" == find_places((str(folders / "flag"),), environment).data


def test_the_weights_folder_of_the_environment_wins_over_the_file(folders, environment):
    assert folders / "w-file" == find_places((), environment).weights
    environment["VOSBENCH_WEIGHTS"] = str(folders / "w")
    assert folders / "w" == find_places((), environment).weights


def test_one_suite_may_lie_elsewhere(folders, environment):
    places = find_places((f"davis2016={folders}/davis", str(folders / "flag")), environment)
    assert folders / "davis" == places.data_for("davis2016")
    assert folders / "flag" == places.data_for("davis2017")


def test_a_path_with_an_equals_sign_is_a_root(folders, environment):
    odd = folders / "a=b"
    odd.mkdir()
    assert odd == find_places((str(odd),), environment).data


def test_nothing_configured_is_no_root(tmp_path):
    places = find_places((), {"XDG_CONFIG_HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")})
    assert (None, None, None) == (places.data, places.data_for("davis2016"), places.weights)
    assert tmp_path / "cache" / "vosbench" == places.cache


@pytest.mark.parametrize("name", ["VOSBENCH_DATA", "VOSBENCH_WEIGHTS", "VOSBENCH_CACHE"])
def test_an_empty_variable_counts_as_none(tmp_path, name):
    bare = {"XDG_CONFIG_HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    assert find_places((), bare) == find_places((), bare | {name: ""})


def test_the_cache_can_be_named(tmp_path):
    environment = {"XDG_CONFIG_HOME": str(tmp_path), "VOSBENCH_CACHE": str(tmp_path / "c")}
    assert tmp_path / "c" == find_places((), environment).cache


@pytest.mark.parametrize("flag", ["absent", "davis2016=absent"])
def test_a_root_that_is_not_there_is_an_error(environment, flag):
    with pytest.raises(UsageError, match="there is no folder absent"):
        find_places((flag,), environment)


def test_a_missing_root_of_the_environment_is_an_error(environment):
    with pytest.raises(UsageError, match="there is no folder"):
        find_places((), environment | {"VOSBENCH_DATA": "/absent"})


def test_an_unknown_key_of_the_configuration_file_is_quoted(folders, environment):
    (folders / "config" / "vosbench" / "config.yaml").write_text("dta: x\n")
    with pytest.raises(UsageError, match="unknown key 'dta'") as caught:
        find_places((), environment)
    assert "line 1" in caught.value.where


def test_a_home_folder_is_expanded(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "d").mkdir()
    assert tmp_path / "d" == find_places(("~/d",), {"XDG_CONFIG_HOME": str(tmp_path)}).data
    assert Path("~/d").expanduser() == tmp_path / "d"


def test_a_user_without_a_home_is_told_what_to_name(tmp_path, monkeypatch):
    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(UsageError, match="no home folder") as caught:
        find_places((), {})
    assert "VOSBENCH_CACHE" in caught.value.fix
    assert tmp_path == find_places((), {"VOSBENCH_CACHE": str(tmp_path)}).cache


def test_the_home_of_a_user_who_is_not_there_is_refused(environment):
    with pytest.raises(UsageError, match="there is no home folder for ~nobody-of-this-name"):
        find_places(("~nobody-of-this-name/data",), environment)
