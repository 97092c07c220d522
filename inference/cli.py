"""The command line: `refra assess` and all other commands; each large one has a module of its own."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .. import __version__
from .cli_cohort import cohort
from .cli_export import export
from .cli_sensitivity import sensitivity
from .cli_validate import Basis, validate

# Everything that loads the network is imported inside the commands, so that `refra --help` is quick.
if TYPE_CHECKING:
    from .patient import Patient
    from .preferences import Preferences

REFUSED = 2
"""Exit code for anything refused: a record, a name, a value, the use of the command."""

NARROWEST, WIDEST_BY_ITSELF, OTHERWISE = 40, 120, 100
MOST_DRAWS = 5_000

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Why did the biologic fail, and what next? A Bayesian network of biologic-therapy failure in rheumatoid arthritis.",
)


class Language(StrEnum):
    """A language of labels and words."""

    en = "en"
    zh = "zh"


def _printable(text: str) -> str:
    return "".join(sign if sign.isprintable() or sign == "\n" else repr(sign)[1:-1] for sign in text)


@contextmanager
def refusals() -> Iterator[None]:
    """Turn what refra refuses into one message on stderr and an exit code."""
    from ..data.errors import RefraError

    try:
        yield
    except RefraError as error:
        typer.echo(_printable(f"refra: {error}"), err=True)
        raise typer.Exit(REFUSED) from None


def _say(text: str) -> None:
    """Write an answer as a whole, so that a closed pipe is noticed here."""
    typer.echo(text.rstrip("\n"))
    sys.stdout.flush()


def _json(value: Mapping[str, Any]) -> str:
    import json

    return json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False)


def terminal_width(asked: int | None) -> int:
    """Return the columns of the text: those asked for, or the terminal's within bounds."""
    return asked or max(NARROWEST, min(shutil.get_terminal_size((OTHERWISE, 24)).columns, WIDEST_BY_ITSELF))


def terminal_colour() -> bool:
    """Return whether the output is a terminal that shows colours."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def patient_in(file: str) -> Patient:
    """Return the patient of a file, or of a shipped example where no such file exists."""
    from ..data.errors import FindingError, nearest
    from .patient import Patient
    from .patient_files import as_record, example_texts, parse_yaml

    path, examples = Path(file), example_texts()
    try:
        exists = bool(file) and path.exists()
    except (OSError, ValueError):
        exists = True  # Reading it says what is wrong with it.
    if exists:
        return Patient.from_file(path)
    if file in examples:
        return Patient.from_dict(as_record(parse_yaml(examples[file], file), file))
    close = nearest(path.stem, examples)
    hint = f"; did you mean the example {' or '.join(repr(name) for name in close)}?" if close else "; `refra examples` lists the examples"
    raise FindingError(f"{file or chr(39) * 2}: there is no such file{hint}")


def preferences_in(file: str | None) -> Preferences | None:
    """Return the preferences in a file."""
    if file is None:
        return None
    from .sensitivity.preferences_file import read_preferences

    return read_preferences(file)


Level = Annotated[float, typer.Option(help="Level of the credible intervals, between 0 and 1.")]
Draws = Annotated[int | None, typer.Option(min=1, max=MOST_DRAWS, help="Number of parameter draws behind the intervals.")]
Seed = Annotated[int | None, typer.Option(min=0, help="Seed of the parameter draws.")]
Width = Annotated[int | None, typer.Option(min=NARROWEST, help="Columns of the text; by default those of the terminal, 120 at most.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="With --html: replace PATH although refra did not write it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer as JSON.")]


def _drawing(draws: int | None, seed: int | None) -> dict[str, Any]:
    return {name: value for name, value in (("draws", draws), ("seed", seed)) if value is not None}


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version and leave.", is_eager=True)] = False) -> None:
    if version:
        _say(f"refra {__version__}")
        raise typer.Exit


@app.command()
def assess(
    file: Annotated[str, typer.Argument(help="A patient record (.yaml, .yml, .json), or the name of a shipped example: first_patient.")],
    as_json: AsJson = False,
    as_html: Annotated[str | None, typer.Option("--html", metavar="PATH", help="Write a report of two pages to an HTML file.")] = None,
    overwrite: Overwrite = False,
    lang: Annotated[Language, typer.Option(help="Language of labels and words.")] = Language.en,
    level: Level = 0.95,
    draws: Draws = None,
    seed: Seed = None,
    preferences: Annotated[str | None, typer.Option(metavar="FILE", help="A YAML file with `weights` and `unavailable` options.")] = None,
    basis: Annotated[Basis, typer.Option(help="fitted: the joint posterior; prior: every parameter record by itself.")] = Basis.fitted,
    width: Width = None,
) -> None:
    """Why a biologic failed in a patient, and what next.

    A report that exists is replaced if refra wrote it.
    """
    if as_html is not None and as_json:
        raise typer.BadParameter("--json and --html exclude each other")
    if overwrite and as_html is None:
        raise typer.BadParameter("--overwrite goes with --html")
    with refusals():
        from .assessment import assess as assess_patient

        patient, wanted = patient_in(file), preferences_in(preferences)
        answer = assess_patient(patient, wanted, level=level, language=lang.value, basis=basis.value, **_drawing(draws, seed))
        if as_html is not None:
            text = str(answer.save_html(as_html, overwrite=overwrite))
        elif as_json:
            text = answer.to_json()
        else:
            from .display import as_text

            text = as_text(answer, terminal_width(width), terminal_colour())
    _say(text)


_NUMBER = re.compile(r"[-+]?(\d+)?(\.\d*)?([eE][-+]?\d+)?")


def _scalar(text: str) -> Any:
    """Read a value as a patient record does, but leave yes and no as the states they name."""
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    if re.fullmatch(r"[-+]?\d{1,30}", text):
        return int(text)
    if _NUMBER.fullmatch(text) and any(sign.isdigit() for sign in text.casefold().partition("e")[0]):
        return float(text)
    return {"true": True, "false": False, "null": None, "~": None}.get(text.casefold(), text)


def _likelihood(name: str, text: str) -> dict[str, Any]:
    """Read a flow mapping state: number; its keys stay texts, so that 0, yes and no are states."""
    import yaml

    from ..data.errors import FindingError

    accepted = f"{name}={{state: P(what was seen | state), ...}} is accepted (quote a state that begins with < or >)"
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError):
        raise FindingError(f"{name}: {text!r} is not readable; {accepted}") from None
    if not isinstance(node, yaml.MappingNode):
        raise FindingError(f"{name}: {text!r} is no likelihood; {accepted}")
    found: dict[str, Any] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode) or not isinstance(value, yaml.ScalarNode):
            raise FindingError(f"{name}: {text!r} holds more than numbers; {accepted}")
        if key.value in found:
            raise FindingError(f"{name}: the state {key.value!r} stands twice; once is accepted")
        found[key.value] = _scalar(value.value)
    return found


def _assignments(option: str, texts: list[str] | None, states_only: bool) -> dict[str, Any]:
    from ..data.errors import FindingError

    found: dict[str, Any] = {}
    for text in texts or []:
        name, sign, value = (part.strip() for part in text.partition("="))
        if not sign or not name or not value:
            raise FindingError(f"{option} {text!r}; NAME=VALUE is accepted, such as crp=22 or ada=none")
        if name in found:
            raise FindingError(f"{option} {name}: given twice; once is accepted")
        if states_only:
            found[name] = value[1:-1] if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"" else value
        else:
            found[name] = _likelihood(name, value) if value.startswith("{") else _scalar(value)
    return found


@app.command()
def query(
    targets: Annotated[list[str], typer.Argument(metavar="TARGET", help="Variables whose probabilities are wanted.")],
    given: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="What was seen: a state, a value or {state: likelihood, ...}. Repeatable."),
    ] = None,
    do: Annotated[list[str] | None, typer.Option(metavar="NAME=STATE", help="A variable set by intervention. Repeatable.")] = None,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Answer as CSV.")] = False,
    level: Level = 0.95,
    draws: Draws = None,
    seed: Seed = None,
    lang: Annotated[Language, typer.Option(help="Language of labels and words.")] = Language.en,
    width: Width = None,
) -> None:
    """Probabilities of variables, given anything.

    Nothing is assumed beside what is given.
    """
    if as_json and as_csv:
        raise typer.BadParameter("--json and --csv exclude each other")
    with refusals():
        seen, done = _assignments("--given", given, False), _assignments("--do", do, True)
        from .querying import query as ask_network

        frame = ask_network(targets, seen, done, level=level, language=lang.value, **_drawing(draws, seed))
        if as_json:
            text = _json({"given": seen, "do": done, "level": level, "answer": frame.to_dict(orient="records")})
        elif as_csv:
            text = frame.to_csv(index=False, lineterminator="\n")
        else:
            text = frame.text(terminal_width(width), terminal_colour())
    _say(text)


@app.command()
def show(
    name: Annotated[str | None, typer.Argument(help="The id of a variable, a parameter, a study or a row of evidence.")] = None,
    as_json: AsJson = False,
    as_html: Annotated[str | None, typer.Option("--html", metavar="PATH", help="Write the answer to an HTML file.")] = None,
    overwrite: Overwrite = False,
    graph: Annotated[str | None, typer.Option(metavar="PATH", help="Instead: draw the network as an SVG file.")] = None,
    patient: Annotated[str | None, typer.Option(metavar="FILE", help="With --graph: a record whose posteriors are drawn.")] = None,
    lang: Annotated[Language | None, typer.Option(help="With --graph: language of the picture.")] = None,
    width: Width = None,
) -> None:
    """What is on record about a name, with its studies; or the network as a picture."""
    if (name is None) == (graph is None) or (as_json or as_html if graph else patient or lang) or (as_json and as_html):
        raise typer.BadParameter("either NAME (with --json or --html PATH), or --graph PATH (with --patient FILE, --lang), is accepted")
    if overwrite and as_html is None:
        raise typer.BadParameter("--overwrite goes with --html")
    with refusals():
        if graph is not None:
            from .display_graph import save_network_svg

            answer = None
            if patient is not None:
                from .assessment import assess as assess_patient

                # The picture shows no intervals.
                answer = assess_patient(patient_in(patient), draws=0)
            text = str(save_network_svg(graph, answer, language=lang and lang.value))
        else:
            from .showing import show as look_up

            shown = look_up(str(name))
            if as_html:
                text = str(shown.save_html(as_html, overwrite=overwrite))
            else:
                text = _json(shown.to_dict()) if as_json else shown.text(terminal_width(width), terminal_colour())
    _say(text)


def _about(text: str) -> str:
    """Return who an example is about, from the head of its file."""
    lines = [line.removeprefix("#").strip() for line in text.splitlines() if line.startswith("#")]
    joined = " ".join(lines)
    who = re.search(r"Who:\s*(.*?)\s*(?:Shows:|Source:|Notes:|$)", joined)
    return who.group(1) if who else joined


@app.command()
def examples(
    name: Annotated[str | None, typer.Argument(help="The example whose file is printed; by default all are listed.")] = None,
    width: Width = None,
) -> None:
    """List the example patients, or print the file of one."""
    with refusals():
        from ..data.errors import unknown_name
        from .patient_files import example_texts

        files = example_texts()
        if name is not None:
            key = name.removesuffix(".yaml")
            if key not in files:
                raise unknown_name("example", name, files)
            text = files[key]
        else:
            from .display_layout import pairs, to_text

            text = to_text([pairs((key, _about(content)) for key, content in files.items())], terminal_width(width), terminal_colour())
    _say(text)


app.command()(cohort)
app.command()(sensitivity)
app.command()(export)
app.command()(validate)


def main() -> None:
    """Run the command line; the entry point `refra`."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal or pipe in another encoding would stop at the first Chinese sign.
        getattr(stream, "reconfigure", lambda **_: None)(encoding="utf-8", errors="backslashreplace")
    app(prog_name="refra")
