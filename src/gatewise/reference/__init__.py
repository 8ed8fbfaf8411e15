"""The slow truth: every network as its equations in NumPy. Every dialect is tested against it.

Nothing here is fast and nothing is checked. It computes in the precision of what it is given, so
float64 weights and inputs allow finite differences. There is no dropout: this is inference.

Axis letters: B sequences, T time steps, F features, H hidden units, G gates, E embedding,
A attention, S segment length, M decoder positions, K predicted steps, D values per predicted
step, V ids of a vocabulary, P features known in advance, X what an encoder gives at each step.
Weight names and gate order: `gatewise.weights`.
"""

from gatewise.reference.attention import POOLINGS, pool_last
from gatewise.reference.cells import CELLS, STATES, gru_step, lstm_step, rnn_step, under
from gatewise.reference.layers import bridge, embed, encode
from gatewise.reference.losses import loss
from gatewise.reference.nets import Reference, forward

__all__ = [
    "CELLS",
    "POOLINGS",
    "STATES",
    "Reference",
    "bridge",
    "embed",
    "encode",
    "forward",
    "gru_step",
    "loss",
    "lstm_step",
    "pool_last",
    "rnn_step",
    "under",
]
