"""python3 -m ecphory_analysis plot FILE [-o FIGURE] | compare FILE | to_torch FILE [-o WEIGHTS]"""

import argparse
import sys
from pathlib import Path

from .compare import table
from .figures import draw
from .results import ResultError, open
from .to_torch import export


def main():
    parser = argparse.ArgumentParser(prog="python3 -m ecphory_analysis", description="Figures of Ecphory's results.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    plot = verbs.add_parser("plot", help="draw the figure that fits the file")
    plot.add_argument("file", type=Path)
    plot.add_argument("-o", "--output", type=Path, help="the figure; default: the file's name with .png")
    compare = verbs.add_parser("compare", help="print the result beside the published numbers")
    compare.add_argument("file", type=Path)
    to_torch = verbs.add_parser("to_torch", help="write the weights of a checkpoint, or of attention layers, for PyTorch")
    to_torch.add_argument("file", type=Path)
    to_torch.add_argument("-o", "--output", type=Path,
                          help="a name in .safetensors or .pt; default: the file's name with .safetensors")
    arguments = parser.parse_args()
    try:
        if arguments.verb == "to_torch":
            weights = arguments.output or arguments.file.with_suffix(".safetensors")
            export(arguments.file, weights)
            print(weights)
            return 0
        with open(arguments.file) as dataset:
            if arguments.verb == "compare":
                print(table(dataset))
                return 0
            figure = arguments.output or arguments.file.with_suffix(".png")
            draw(dataset).savefig(figure, dpi=150)
            print(figure)
            return 0
    except (ResultError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


sys.exit(main())
