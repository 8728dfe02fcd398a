"""Writing what a run tells of itself, when it is started and each time it is gone on with."""

from mrsynth_training.epoch_trainer import EpochTrainer
from mrsynth_training.hardware import describe_hardware, describe_software
from mrsynth_training.run_record import RunRecord, earlier_record, with_new
from mrsynth_training.trainer import Trainer
from mrsynth_training.training_data import TrainingData, data_of_subjects
from mrsynth_training.validation_baselines import validation_baselines


def record_fit(trainer: Trainer, data: TrainingData, texts: dict[str, str]) -> None:
    """Write the record of a run of `fit`, whose folder is there.

    Args:
        trainer: Whose run it is.
        data: What it is trained on.
        texts: What its experiment's file says for the card.

    Raises:
        OutputError: If it cannot be written.
    """
    earlier = earlier_record(trainer.run)
    RunRecord(
        command="fit",
        data=data,
        texts=texts,
        batches=0,
        hardware=with_new(earlier.hardware if earlier else (), describe_hardware(trainer.device)),
        software=with_new(earlier.software if earlier else (), describe_software()),
        baselines={},
    ).write(trainer.run)


def record_training(trainer: EpochTrainer, texts: dict[str, str]) -> None:
    """Write the record of a run over epochs; only the first process does.

    Args:
        trainer: Whose folder is there.
        texts: What its experiment's file says for the card.

    Raises:
        OutputError: If it cannot be written.
    """
    run, experiment, subjects = trainer.run, trainer.experiment, trainer.subjects
    if not run.processes.is_first:
        return
    earlier = earlier_record(run.folder)
    hardware = describe_hardware(run.device, run.processes.size)
    RunRecord(
        command="train",
        data=data_of_subjects(subjects.train, experiment),
        texts=texts,
        batches=len(trainer.batches),
        hardware=with_new(earlier.hardware if earlier else (), hardware),
        software=with_new(earlier.software if earlier else (), describe_software()),
        # They follow from the subjects, which do not change.
        baselines=earlier.baselines if earlier else validation_baselines(subjects, experiment),
    ).write(run.folder)
