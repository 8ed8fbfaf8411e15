"""An LSTM in plain PyTorch: the cell by hand, nn.LSTM, and that they are the same.

Run: python lstm_pytorch.py. The equations are those of lstm_numpy.py; PyTorch finds the gradients.
B sequences at once, T steps, F features of a step, H hidden units.

What to know of nn.LSTM:
- `batch_first=True`, or it reads (T, B, F), and a batch of sequences is taken for one of steps.
- Its matrices are (4H, F) and (4H, H), ours transposed; gates in the order i f g o, as ours.
- It keeps two biases that are only ever added. Here the second is 0 and is not trained.
- `out, (h, c) = lstm(x)`: out (B, T, H) is h of every step of the top layer; h and c (layers, B, H)
  are the state after the last step, to be handed in again to go on: `lstm(later, (h, c))`.
"""

import time

import torch
from torch import nn


class HandMade(nn.Module):
    """One layer, step by step: W (F, 4H), R (H, 4H), b (4H,)."""

    def __init__(self, features, hidden):
        super().__init__()
        self.W = nn.Parameter(torch.randn(features, 4 * hidden) / features**0.5)
        self.R = nn.Parameter(torch.randn(hidden, 4 * hidden) / hidden**0.5)
        self.b = nn.Parameter(torch.zeros(4 * hidden))
        with torch.no_grad():
            self.b[hidden : 2 * hidden] = 1.0  # of the gate f: at first, remember

    def step(self, x, h, c):
        """x (B, F), h and c (B, H) -> the new h and c."""
        i, f, g, o = (x @ self.W + h @ self.R + self.b).chunk(4, dim=1)  # (B, H) each
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * c.tanh(), c

    def forward(self, x, state=None):
        """x (B, T, F) -> all h (B, T, H), and the last (h, c), (1, B, H) each, as nn.LSTM."""
        h = c = x.new_zeros(len(x), len(self.R))
        if state is not None:
            h, c = state[0][0], state[1][0]
        shown = []
        for t in range(x.shape[1]):
            h, c = self.step(x[:, t], h, c)
            shown.append(h)
        return torch.stack(shown, dim=1), (h[None], c[None])


def built_in(hand):
    """An nn.LSTM with the weights of a HandMade."""
    features, hidden = len(hand.W), len(hand.R)
    lstm = nn.LSTM(features, hidden, batch_first=True).to(hand.W)
    with torch.no_grad():
        lstm.weight_ih_l0.copy_(hand.W.T)
        lstm.weight_hh_l0.copy_(hand.R.T)
        lstm.bias_ih_l0.copy_(hand.b)
        lstm.bias_hh_l0.zero_()
    lstm.bias_hh_l0.requires_grad_(False)
    return lstm


class Network(nn.Module):
    """An LSTM and, from its last h, one number: (B, T, F) -> (B,)"""

    def __init__(self, lstm, hidden):
        super().__init__()
        self.lstm, self.head = lstm, nn.Linear(hidden, 1)

    def forward(self, x):
        shown, _ = self.lstm(x)
        return self.head(shown[:, -1])[:, 0]  # (B, 1) against (B,) would broadcast to (B, B)


def marked_numbers(count, steps, generator):
    """Sequences of numbers, one of the first half marked, and that number.

    x (count, steps, 2): the number, and 1 where it is marked; y (count,)
    """
    x = torch.zeros(count, steps, 2)
    x[:, :, 0] = torch.rand(count, steps, generator=generator) * 2 - 1
    at = torch.randint(steps // 2, (count,), generator=generator)
    rows = torch.arange(count)
    x[rows, at, 1] = 1
    return x, x[rows, at, 0]


def train(network, x, y, updates=400, batch=64, tell=print):
    """Adam on the mean square error, the gradient clipped by its norm."""
    optimizer = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], lr=0.01)
    generator = torch.Generator().manual_seed(1)
    network.train()
    for count in range(1, updates + 1):
        rows = torch.randint(len(x), (batch,), generator=generator)
        loss = nn.functional.mse_loss(network(x[rows]), y[rows])
        optimizer.zero_grad()  # gradients add up until they are cleared
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        if count % 100 == 0:
            tell(f"  update {count}: loss {loss.item():.4f}")


def main():
    """Both LSTMs side by side, then the faster one learns."""
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    x, y = marked_numbers(2000, 12, generator)
    hand = HandMade(features=2, hidden=16)
    lstm = built_in(hand)

    ours, (h, c) = hand(x[:64])
    theirs, (h2, c2) = lstm(x[:64])
    print(f"x {tuple(x[:64].shape)} -> outputs {tuple(ours.shape)}, h and c {tuple(h.shape)} each")
    print(f"outputs differ by at most {(ours - theirs).abs().max():.1e}")
    print(f"h and c differ by at most {max((h - h2).abs().max(), (c - c2).abs().max()):.1e}")

    ours.square().sum().backward()
    theirs.square().sum().backward()
    off = (hand.R.grad - lstm.weight_hh_l0.grad.T).abs().max() / hand.R.grad.abs().max()
    print(f"gradients by R differ by {off:.1e} of the largest")

    first, state = lstm(x[:64, :5])
    rest, _ = lstm(x[:64, 5:], state)
    apart = (torch.cat([first, rest], dim=1) - theirs).abs().max()
    print(f"read in two pieces, the state handed on: {apart:.1e} from reading the whole")

    print("\nforward and backward of 64 sequences:")
    for name, layer in (("by hand", hand), ("nn.LSTM", lstm)):
        began = time.perf_counter()
        for _ in range(20):
            layer(x[:64])[0].sum().backward()
        print(f"  {name}: {(time.perf_counter() - began) / 20 * 1e3:.2f} ms")

    print("\nlearning to name the marked number, with nn.LSTM:")
    lstm.zero_grad()
    network = Network(lstm, hidden=16)
    train(network, x, y)
    unseen, truth = marked_numbers(500, 12, generator)
    network.eval()
    with torch.no_grad():
        said = network(unseen)
    print(f"\non 500 sequences never seen: MSE {(said - truth).square().mean():.4f}")
    print(f"always answering 0:          MSE {truth.square().mean():.4f}")


if __name__ == "__main__":
    main()
