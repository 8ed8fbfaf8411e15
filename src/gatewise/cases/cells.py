"""RNN, GRU and LSTM: shapes, weights, state

Data   64 made-up sequences of 20 steps with 32 features, read by fresh networks of 64 units. There
       is nothing to learn.
Trap   return_sequences, return_state and stateful are three switches for two things: what is shown
       at every step, and what is left behind. With the wrong one a network forgets silently between
       two pieces, or goes on from the state of another sequence.
Right  Outputs of every step and the state, always; a state is handed in to go on from it. A
       sequence read in two pieces is the sequence read whole, and the weights can be counted.
"""

import numpy as np

import gatewise as gw
from gatewise.cases import pictures
from gatewise.cases.case import Ask, Check, Outcome

ROWS, STEPS, FEATURES, UNITS = 64, 20, 32, 64
CELLS = {  # biases: the GRU has one more inside its reset gate
    "LSTM": (gw.Network(cell="lstm", hidden_size=UNITS), 4 * UNITS),
    "GRU": (gw.Network(cell="gru", hidden_size=UNITS), 3 * UNITS + UNITS),
    "RNN": (gw.Network(cell="rnn", hidden_size=UNITS), UNITS),
}
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}  # each a matrix (features + units, units)


def run(ask: Ask) -> Outcome:
    """Each cell reads the same sequences whole, in two pieces, and step by step."""
    x = np.random.default_rng(ask.seed).normal(size=(ROWS, STEPS, FEATURES))
    cut = STEPS // 2
    scores, said, unfinished = {}, [f"x {x.shape}: sequences, steps, features"], {}
    off, by_hand = 0.0, {}
    for name, (network, biases) in CELLS.items():
        stack = gw.Stack(network, FEATURES, engine=ask.engine, seed=ask.seed)
        outputs, state = stack.read(x)  # h of every step, and what is left behind the last one
        first, middle = stack.read(x[:, :cut])
        rest, end = stack.read(x[:, cut:], state=middle)
        fresh = stack.read(x[:, cut:]).outputs  # begins at zeros, as if nothing had been read
        off = max(off, np.abs(np.concatenate([first, rest], axis=1) - outputs).max())
        off = max(off, np.abs(end - state).max(), np.abs(outputs[:, -1] - state[0, -1]).max())
        unfinished[name] = np.abs(fresh - outputs[:, cut:]).mean(axis=(0, 2))
        now = np.zeros_like(state)  # an explicit state to begin with
        for t in range(STEPS):
            step, now = stack.read(x[:, t : t + 1], state=now)
            off = max(off, np.abs(step[:, 0] - outputs[:, t]).max())
        by_hand[name] = GATES[name] * (FEATURES + UNITS) * UNITS + biases
        scores[name] = {
            "parameters": stack.parameters,
            "counted by hand": by_hand[name],
        }
        carried = state[:, :, 0].size
        said.append(
            f"{name}: outputs {outputs.shape}, state {state.shape}, {carried} numbers a sequence"
        )
    lstm = CELLS["LSTM"][0]
    for words, network in {
        "LSTM, two layers": lstm.replace(num_layers=2),
        "LSTM, bidirectional": lstm.replace(bidirectional=True),
    }.items():
        stack = gw.Stack(network, FEATURES, engine=ask.engine)
        outputs, state = stack.read(x)
        left = "none, it has read the end" if state is None else f"{state.shape}"
        said.append(
            f"{words}: {stack.parameters:,} parameters, outputs {outputs.shape}, state {left}"
        )
    ours = scores["GRU"]["parameters"] / scores["LSTM"]["parameters"]
    keras = 3 * (FEATURES + UNITS + 2) / (4 * (FEATURES + UNITS + 1))
    said += [
        f"GRU beside LSTM: {ours:.4f} of the weights here, with a second bias at the candidate "
        f"alone; {keras:.4f} in Keras, which keeps two biases at each gate of a GRU and one of an "
        f"LSTM; 0.75 in PyTorch, which keeps two everywhere.",
        "outputs[:, -1] is h of the state; an LSTM's c is in the state alone.",
    ]

    picture, (left_axes, right_axes) = pictures.figure(2)
    counts = {name: score["parameters"] for name, score in scores.items()}
    pictures.bars(left_axes, counts, title="parameters", form="{:,.0f}")
    for (name, apart), colour in zip(
        unfinished.items(), (pictures.NETWORK, *pictures.OTHERS), strict=False
    ):
        right_axes.plot(np.arange(cut, STEPS), apart, color=colour, label=f"{name}, state lost")
    right_axes.plot([cut, STEPS - 1], [0, 0], color=pictures.TRUTH, label="state handed on: 0")
    right_axes.set(xlabel="step", title="second piece: off from reading the whole")
    right_axes.legend(fontsize=8)

    lost = min(float(apart[0]) for apart in unfinished.values())
    return Outcome(
        scores=scores,
        split="nothing is learnt",
        checks=[
            Check(
                "parameters as counted by hand",
                all(score["parameters"] == by_hand[name] for name, score in scores.items()),
                ", ".join(f"{name} {count:,}" for name, count in by_hand.items()),
            ),
            Check(
                "in two pieces and step by step as whole, the state handed on",
                off < 1e-5,
                f"at most {off:.1e} apart",
            ),
            Check("without its state the second piece is another", lost > 0.05, f"{lost:.2f} off"),
        ],
        said=said,
        picture=picture,
    )
