import hashlib

import numpy as np

from mrsynth_training.array_digest import array_digest


def test_a_digest_is_that_of_the_values_whatever_their_layout_in_memory():
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert array_digest(values) == hashlib.sha256(values.tobytes()).hexdigest()
    assert array_digest(np.asfortranarray(values)) == array_digest(values)
    assert array_digest(np.float32(1)) == hashlib.sha256(np.float32(1).tobytes()).hexdigest()


def test_a_changed_value_and_another_array_change_the_digest():
    values = np.zeros(5)
    changed = values.copy()
    changed[3] = 1e-9
    assert len({array_digest(values), array_digest(changed), array_digest(values, changed), array_digest()}) == 4
