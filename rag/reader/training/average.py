"""The mean of two weights files: `python -m rag.reader.training.average ONE OTHER --out FILE [--share 0.5]`.

Weight by weight (Wortsman et al., ICML 2022): models fine-tuned from one start lie close together, and their mean often
marks better than either. `--share` is ONE's part of it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from safetensors.torch import load_file, save_file


def main() -> None:
    """Read both, write the mean."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("one", type=Path)
    parser.add_argument("other", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--share", type=float, default=0.5)
    given = parser.parse_args()
    average(given.one, given.other, given.out, given.share)


def average(one: Path, other: Path, out: Path, share: float = 0.5) -> None:
    """Write the mean of two files' weights in half precision. Raises ValueError where they are not of one model."""
    first, second = load_file(one), load_file(other)
    if {name: value.shape for name, value in first.items()} != {name: value.shape for name, value in second.items()}:
        raise ValueError(f"{one} and {other} hold weights of other names or shapes")
    save_file({name: (share * value.float() + (1 - share) * second[name].float()).half() for name, value in first.items()}, out)


if __name__ == "__main__":
    main()
