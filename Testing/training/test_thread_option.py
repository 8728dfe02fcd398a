import argparse

import pytest
import torch

from mrsynth_training import cli
from mrsynth_training.thread_option import add_threads, use_threads


def test_pytorch_gets_as_many_threads_as_were_asked_for_or_what_it_likes(monkeypatch):
    asked = []
    monkeypatch.setattr(torch, "set_num_threads", asked.append)
    parser = argparse.ArgumentParser()
    add_threads(parser)
    for arguments in (["--threads", "3"], []):
        use_threads(parser.parse_args(arguments).threads)
    assert asked == [3]


@pytest.mark.parametrize("threads", ["0", "-1"])
@pytest.mark.parametrize(
    "command",
    [
        ("fit", "t2-to-pd", "cache", "run"),
        ("train", "g1", "cache", "run"),
        ("evaluate-models", "model", "maps"),
        ("evaluate-runs", "cache", "run"),
    ],
    ids=lambda command: command[0],
)
def test_fewer_than_one_thread_is_a_mistake_of_the_caller(command, threads, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main([*command, "--threads", threads]) == 2
    assert f"expected at least one CPU thread, found {threads}" in capsys.readouterr().err
