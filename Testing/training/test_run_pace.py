import pytest

from mrsynth_training.run_history import RunHistory
from mrsynth_training.run_pace import RunPace, ignore_status
from mrsynth_training.validation import SubjectFigures


def close(history, psnr):
    history.note_batch({"generator": 1.0})
    figures = [SubjectFigures("P0", 0.1, psnr, None)]
    history.close_epoch(history.next_row(figures), figures)


def test_pace_and_time_left_are_measured_from_where_a_run_was_resumed():
    now = [100.0]
    history = RunHistory(epoch=1, batch=2)
    pace = RunPace(history.progress(4, 5, "cpu"), batch_size=7, now=lambda: now[0])
    history.note_batch({"generator": 1.0})
    now[0] += 2.0
    status = pace.status(history.progress(4, 5, "cpu"), {"generator": 1.0}, None)
    assert (status.progress.done, status.progress.total, status.progress.device) == (8, 20, "cpu")
    assert status.patches_per_second == 3.5
    assert status.eta_s == pytest.approx(2.0 * 12)
    assert ignore_status(status) is None


def test_the_best_epoch_is_the_first_with_the_highest_mean_psnr():
    history = RunHistory()
    assert history.best is None and history.epochs_without_gain == 0
    for psnr in (20.0, 22.0, 21.0, 22.0):
        close(history, psnr)
    assert [row["best"] for row in history.epochs] == [1, 1, 0, 0]
    assert history.best["epoch"] == 2 and history.epochs_without_gain == 2
    assert [(row["epoch"], row["psnr_range"]) for row in history.figures] == [
        (1, 20.0),
        (2, 22.0),
        (3, 21.0),
        (4, 22.0),
    ]


def test_an_epochs_losses_are_means_over_its_mini_batches():
    history = RunHistory()
    for value in (1.0, 2.0, 6.0):
        history.note_batch({"generator": value, "discriminator": -value})
    row = history.next_row([SubjectFigures("P0", 0.1, 20.0, None)])
    assert (row["generator_loss"], row["discriminator_loss"]) == (3.0, -3.0)
