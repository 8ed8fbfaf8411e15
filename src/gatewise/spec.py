"""What a network is and how it is trained, as plain frozen data: JSON in, JSON out, no framework.

`Network` is what a user chooses. `NetworkSpec` is the same completed with what the data
determines (features, outputs). `Training` is how the weights are found.
"""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from gatewise.errors import SpecError, did_you_mean

Cell = Literal["rnn", "gru", "lstm"]
Pooling = Literal["last", "attention", "mean", "max", "mean_max"]
Attention = Literal["none", "additive", "multiplicative"]
Optimizer = Literal["adam", "adamw", "sgd", "rmsprop"]
Schedule = Literal["constant", "step", "cosine", "plateau"]
Precision = Literal["float32", "bfloat16"]
AUTO = "auto"
Loss = Literal["mse", "mae", "huber", "cross_entropy", "binary_cross_entropy"]


class Settings(BaseModel):
    """Frozen, complete, strict: an unknown key is refused with the nearest known one.

    Raises SpecError, one message that lists every problem.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise SpecError(_explain(type(self), error)) from None

    def __repr_args__(self) -> list[tuple[str, Any]]:
        """What was given: a default that is shown would look like a choice."""
        return list(self.chosen().items())

    def replace(self, **changes: Any) -> Self:
        """A copy with these fields changed, checked again."""
        return type(self)(**{**self.chosen(), **changes})

    def chosen(self) -> dict[str, Any]:
        """The fields that were given explicitly; all others stand at their default."""
        return {name: getattr(self, name) for name in sorted(self.model_fields_set)}

    def over(self, recipe: Self) -> Self:
        """This on top of `recipe`: what was given here wins, the rest is the recipe's."""
        return recipe.replace(**self.chosen())


def _explain(model: type[Settings], error: ValidationError) -> str:
    lines = []
    for problem in error.errors():
        name = ".".join(str(part) for part in problem["loc"]) or model.__name__
        if problem["type"] == "extra_forbidden":
            known = model.model_fields
            hint = did_you_mean(name, known) or f"; known: {', '.join(known)}"
            lines.append(f"{model.__name__} has no field '{name}'{hint}")
        elif problem["type"] == "value_error":
            lines.append(str(problem["ctx"]["error"]))
        else:
            message = problem["msg"].replace("Input should be", "should be")
            message = message.split(", unable to parse")[0]
            hint = ""
            if problem["type"] == "literal_error" and isinstance(problem["input"], str):
                choices = str(problem["ctx"]["expected"]).replace("'", "").replace(" or ", ", ")
                hint = did_you_mean(problem["input"], choices.split(", "))
            lines.append(f"{name} {message}, not {problem['input']!r}{hint}")
    return "; ".join(lines)


class Network(Settings):
    """What a user chooses. A field that is not given is chosen by the task from the data.

    cell                 recurrent cell; every layer has the same
    hidden_size          H, units of each direction of each layer
    num_layers           layers on top of each other ("stacked" and "multi-layer" are this)
    bidirectional        a second, backward reading of each sequence (the encoder only)
    dropout              probability of dropping an input of each layer above the first, and of the
                         head
    input_dropout        probability of dropping each value that the first layer reads
    token_dropout        probability of reading a token as an unknown one while training
    recurrent_dropout    probability of dropping an entry of a recurrent matrix, drawn once per
                         batch ("weight-drop"): the steps stay as fast as they are
    variational_dropout  what dropout and input_dropout drop is the same at all steps of a sequence
    embedding_dropout    probability of dropping a token's vector, wherever it stands in a batch
    pooling              how the steps become one vector: each direction's last valid step, an
                         additive attention, the mean or the maximum over valid steps, or both of
                         these
    segment_length       read so many steps at once through one linear map, instead of step by step
    embedding_size       E, size of a token's vector, or of the linear map in front of the stack;
                         None: none, for tokens or segments H
    tie_embedding        the head's matrix is the table of token vectors (needs E = the head's
                         input)
    attention            of a decoder of tokens over what the encoder read
    attention_size       A, width of an additive attention's hidden layer; None: H
    forget_bias          initial bias of the LSTM's forget gate: 1 remembers at first
    shortcut             so many last steps of the predicted values reach the output through a
                         linear map solved by least squares; the network learns what it leaves
                         over. 0: none
    """

    cell: Cell = "lstm"
    hidden_size: int = Field(default=64, ge=1, le=65536)
    num_layers: int = Field(default=1, ge=1, le=64)
    bidirectional: bool = False
    dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    input_dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    token_dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    recurrent_dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    variational_dropout: bool = False
    embedding_dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    pooling: Pooling = "last"
    segment_length: int | None = Field(default=None, ge=1)
    embedding_size: int | None = Field(default=None, ge=1)
    tie_embedding: bool = False
    attention: Attention = "none"
    attention_size: int | None = Field(default=None, ge=1)
    forget_bias: float = 1.0
    shortcut: int = Field(default=0, ge=0)


class NetworkSpec(Settings):
    """A network completed with what the data determines; enough to build it in any dialect.

    kind            many_to_one: stack, pooling, one head for all `horizon` steps;
                    many_to_many: stack, a head at every step, a state that can be carried on;
                    encoder_decoder: stack, bridge, decoder stack, a head at every decoder step
    input_size      F, features per time step; of tokens: ids per step, their vectors are added
    vocab_size      V, ids from 0 to V - 1; 0: the features are numbers
    embedding       none | linear | segments (`segment_length` steps side by side, then linear) |
                    tokens (one vector for each id)
    embedding_size  E, width of the embedding; 0 when there is none
    horizon         K, predicted steps
    output_size     D, values per predicted step; C classes, or ids that a decoder writes
    decoder         fed_back: reads the value of the step before; by_position: reads a learned
                    vector of its position, nothing is fed back; tokens: reads the id before
    attention       of a decoder of tokens, over the encoder's valid steps
    future_size     P, features known in advance for each predicted step, read by the decoder
    shortcut        output += last `shortcut` valid steps of the first D features, through a
                    linear map that is solved, not trained; steps before the first read as 0

    Predictions are (B, K, D); of many_to_many (B, T, D), of a decoder of tokens as many steps as
    it is given. Sequences are (B, T, F); with segments T and every length is a multiple of
    `segment_length`, and the decoder predicts `segment_length` steps at once. Where classes or
    ids are predicted, the D values are logits.
    """

    kind: Literal["many_to_one", "many_to_many", "encoder_decoder"]
    input_size: int = Field(default=1, ge=1)
    vocab_size: int = Field(default=0, ge=0)
    output_size: int = Field(ge=1)
    horizon: int = Field(default=1, ge=1)
    cell: Cell = "lstm"
    hidden_size: int = Field(default=64, ge=1)
    num_layers: int = Field(default=1, ge=1)
    bidirectional: bool = False
    dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    input_dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    token_dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    recurrent_dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    variational_dropout: bool = False
    embedding_dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    pooling: Pooling = "last"
    attention: Attention = "none"
    attention_size: int = Field(default=64, ge=1)
    forget_bias: float = 1.0
    embedding: Literal["none", "linear", "segments", "tokens"] = "none"
    embedding_size: int = Field(default=0, ge=0)
    tie_embedding: bool = False
    segment_length: int = Field(default=1, ge=1)
    decoder: Literal["none", "fed_back", "by_position", "tokens"] = "none"
    future_size: int = Field(default=0, ge=0)
    shortcut: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if (self.embedding == "none") != (self.embedding_size == 0):
            raise ValueError(
                f"embedding_size is 0 exactly when there is no embedding "
                f"(embedding={self.embedding!r}, embedding_size={self.embedding_size})"
            )
        if self.embedding != "segments" and self.segment_length != 1:
            raise ValueError("segment_length above 1 needs embedding='segments'")
        if (self.embedding == "tokens") != (self.vocab_size > 0):
            raise ValueError(
                f"vocab_size is above 0 exactly when embedding='tokens' "
                f"(embedding={self.embedding!r}, vocab_size={self.vocab_size})"
            )
        if (self.kind == "encoder_decoder") != (self.decoder != "none"):
            raise ValueError(f"kind={self.kind!r} cannot have decoder={self.decoder!r}")
        if self.future_size and self.decoder not in ("fed_back", "by_position"):
            raise ValueError("future_size needs a decoder of values (kind='encoder_decoder')")
        step_by_step = self.kind == "many_to_many" or self.decoder in ("fed_back", "tokens")
        if step_by_step and self.embedding == "segments":
            raise ValueError("this network goes step by step: no segments")
        if self.shortcut and (step_by_step or self.embedding == "tokens"):
            raise ValueError("shortcut needs numbers, and all predicted steps at once")
        if self.shortcut and self.input_size < self.output_size:
            raise ValueError("shortcut needs the predicted values among the features")
        if self.embedding_dropout and "tokens" not in (self.embedding, self.decoder):
            raise ValueError("embedding_dropout needs tokens, whose vectors it drops")
        between = self.num_layers > 1 or self.kind != "many_to_one"
        if self.variational_dropout and not (self.input_dropout or (self.dropout and between)):
            raise ValueError(
                "variational_dropout would change nothing: no step drops anything here; give "
                "input_dropout, or dropout and more layers than one, or leave it out"
            )
        if self.attention != "none" and self.decoder != "tokens":
            raise ValueError("attention is that of a decoder of tokens; see pooling='attention'")
        return self._coherent_tie()

    def _coherent_tie(self) -> Self:
        if not self.tie_embedding:
            return self
        if self.decoder != "tokens" and (
            self.kind != "many_to_many" or self.vocab_size != self.output_size
        ):
            raise ValueError("tie_embedding needs a network that writes the ids that it reads")
        width = self.hidden_size if self.decoder == "tokens" else self.encoded_size
        if self.embedding_size != width:
            raise ValueError(
                f"tie_embedding needs embedding_size={width}, the size of what the head reads, "
                f"not {self.embedding_size}"
            )
        return self

    @classmethod
    def complete(cls, network: Network, **determined: Any) -> NetworkSpec:
        """`network` with what the data determines (kind, input_size, output_size, ...)."""
        embedding: Literal["none", "linear", "segments", "tokens"] = "none"
        if determined.get("vocab_size"):
            embedding = "tokens"
        elif network.segment_length is not None:
            embedding = "segments"
        elif network.embedding_size is not None:
            embedding = "linear"
        size = network.hidden_size if network.embedding_size is None else network.embedding_size
        kept = network.model_dump(exclude={"segment_length", "embedding_size", "attention_size"})
        return cls(
            **kept,
            embedding=embedding,
            embedding_size=0 if embedding == "none" else size,
            segment_length=network.segment_length or 1,
            attention_size=network.attention_size or network.hidden_size,
            **determined,
        )

    @property
    def directions(self) -> int:
        """2 for a bidirectional encoder, else 1."""
        return 2 if self.bidirectional else 1

    @property
    def encoded_size(self) -> int:
        """Width of what the encoder gives at each step: H times directions."""
        return self.hidden_size * self.directions

    @property
    def pooled_size(self) -> int:
        """Width of what pooling makes of the steps."""
        return self.encoded_size * (2 if self.pooling == "mean_max" else 1)

    @property
    def positions(self) -> int:
        """M, decoder steps of a by-position decoder: segments that cover the horizon."""
        return -(-self.horizon // self.segment_length)


class Training(Settings):
    """How the weights are found.

    epochs                   at most so many passes; early stopping usually ends before
    batch_size               B, examples per step
    optimizer                adam | adamw | sgd | rmsprop
    learning_rate            the highest rate of the schedule; auto: found by a range test before
                             training
    momentum                 of sgd alone
    weight_decay             adamw: decoupled; others: L2, as l2. Of matrices, never of biases
    l2                       so much of each matrix is added to its gradient, after clipping; with
                             any optimizer
    loss                     mse | mae | huber (delta 1), on scaled values; of classes
                             cross_entropy | binary_cross_entropy (each class by itself)
    label_smoothing          share of the truth that is spread evenly over all classes
    schedule                 constant | step | cosine | plateau
    schedule_epochs          step: epochs between two drops; plateau: epochs without progress
    schedule_factor          step and plateau: what each drop multiplies the rate by
    warmup_epochs            the rate rises linearly from 0 over so many epochs (may be a fraction)
    clip_norm                largest L2 norm of the whole gradient; None: not clipped
    clip_value               largest size of each entry (turns the direction; clip_norm does not)
    weight_averaging         decay of a running mean of the weights, which is what is judged and
                             kept; 0: none
    patience                 stop after so many epochs without progress; None: never.
                             The best weights are restored in any case
    min_delta                what counts as progress of the validation loss
    precision                float32 | bfloat16: mixed, of the steps of training alone; weights,
                             optimizer and loss stay float32 (engine torch)
    compile                  steps through torch.compile: slow at first, then faster or not (torch)
    examples_per_epoch       a fresh random part of the examples each epoch; None: all of them
    teacher_forcing          share of decoder steps fed the truth while training (fed_back only)
    teacher_forcing_schedule constant | linear (to 0 at the last epoch) | inverse_sigmoid
    """

    epochs: int = Field(default=100, ge=1)
    batch_size: int = Field(default=32, ge=1)
    optimizer: Optimizer = "adam"
    learning_rate: float | Literal["auto"] = 1e-3
    momentum: float = Field(default=0.9, ge=0.0, lt=1.0)
    weight_decay: float = Field(default=0.0, ge=0.0)
    l2: float = Field(default=0.0, ge=0.0)
    loss: Loss = "mse"
    label_smoothing: float = Field(default=0.0, ge=0.0, lt=1.0)
    schedule: Schedule = "constant"
    schedule_epochs: int = Field(default=10, ge=1)
    schedule_factor: float = Field(default=0.5, gt=0.0, lt=1.0)
    warmup_epochs: float = Field(default=0.0, ge=0.0)
    clip_norm: float | None = Field(default=1.0, gt=0.0)
    clip_value: float | None = Field(default=None, gt=0.0)
    weight_averaging: float = Field(default=0.0, ge=0.0, lt=1.0)
    patience: int | None = Field(default=10, ge=1)
    min_delta: float = Field(default=0.0, ge=0.0)
    precision: Precision = "float32"
    compile: bool = False
    examples_per_epoch: int | None = Field(default=None, ge=1)
    teacher_forcing: float = Field(default=0.5, ge=0.0, le=1.0)
    teacher_forcing_schedule: Literal["constant", "linear", "inverse_sigmoid"] = "constant"

    @field_validator("learning_rate", mode="before")
    @classmethod
    def _number_or_auto(cls, value: Any) -> Any:
        """One message where a union would give one for each of its members."""
        if value == AUTO:
            return value
        problem = f"learning_rate should be a number above 0, or auto, not {value!r}"
        try:
            rate = float(value)
        except (TypeError, ValueError):
            raise ValueError(f"{problem}{did_you_mean(value, [AUTO])}") from None
        if not 0.0 < rate < float("inf"):
            raise ValueError(problem)
        return rate

    @property
    def rate(self) -> float:
        """learning_rate as a number. Raises SpecError where it is still to be found."""
        if isinstance(self.learning_rate, str):
            raise SpecError(
                "learning_rate is 'auto' and is found only where a task is fitted; give a number"
            )
        return self.learning_rate
