"""The patient record: what was observed, checked as it is read."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike, fspath
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, SkipValidation, field_serializer

from ..data.errors import FindingError, RefraError, UnknownNameError, unknown_name
from ..data.labels import check_language
from .checks import contradictions, warnings_of
from .fields import FIELD_VARIABLES, Observation, read_field
from .findings import Finding, build_findings
from .patient_files import as_record, parse_json, parse_yaml, read_row, read_text
from .units import shown

Likelihood: TypeAlias = Mapping[str, float]
"""State -> P(what was seen | state), for every state of the variable."""

State: TypeAlias = Annotated[bool | str | Likelihood | None, SkipValidation]
"""A state by its name (true and false for yes and no), a likelihood, or None for "not observed"."""

Value: TypeAlias = Annotated[float | str | Likelihood | None, SkipValidation]
"""A number, a text with number and unit, a state's name, a likelihood, or None for "not observed"."""

Earlier: TypeAlias = Annotated[Mapping[str, Any] | None, SkipValidation]
"""Drug class or molecule -> outcome or a list of outcomes; {} if none was tried; None for "not known"."""


def _thaw(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _thaw(item) for key, item in value.items()}
    return [_thaw(item) for item in value] if isinstance(value, tuple) else value


def _report(problems: list[RefraError]) -> RefraError:
    if len(problems) == 1:
        return problems[0]
    kind: type[RefraError] = UnknownNameError if all(isinstance(problem, UnknownNameError) for problem in problems) else FindingError
    lines = "".join(f"\n- {problem}" for problem in problems)
    error = kind(f"{len(problems)} problems in the patient record:{lines}")
    error.problems = tuple(problems)
    return error


def _read_record(record: Mapping[Any, Any]) -> tuple[dict[str, Any], dict[str, Observation]]:
    """Return what to store and what it says, by field in the order of the fields; report all problems together."""
    problems: list[RefraError] = [
        unknown_name("field", name if isinstance(name, str) and len(name) <= 60 else shown(name), FIELD_VARIABLES)
        for name in record
        if name not in FIELD_VARIABLES
    ]
    stored: dict[str, Any] = {}
    seen: dict[str, Observation] = {}
    failed: set[str] = set()
    for field in FIELD_VARIABLES:
        try:
            read = read_field(field, record.get(field))
        except (FindingError, UnknownNameError) as error:
            problems.append(error)
            failed.add(field)
        else:
            if read is not None:
                stored[field], seen[field] = read
    problems += contradictions(seen, stored, failed)
    if problems:
        raise _report(problems)
    return stored, seen


class Patient(BaseModel):
    """What was observed in one patient; every field is optional, and None or NaN means "not observed".

    A field takes a value (`crp=22`, `crp="2.2 mg/dL"`), a state's name (`ada_test="high_positive"`), or a likelihood:
    a map from every state to P(what was seen | state). A value below the detection limit ("<0.5 mg/L") counts as half
    the limit. A text that is exactly a state's name is that state. Everything is checked when the record is made: an
    UnknownNameError for a field, state or drug that does not exist, a FindingError for a value that cannot be used or
    for fields that contradict each other; several problems are reported in one message.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    age: Value = Field(default=None, description="years")
    sex: State = Field(default=None, description="female, male")
    bmi: Value = Field(default=None, description="kg/m2")
    smoking: State = Field(default=None, description="never, past, current")
    disease_duration: Value = Field(default=None, description="years since the diagnosis")
    cardiovascular_risk: State = Field(default=None, description="yes, no")
    prior_serious_infection: State = Field(default=None, description="yes, no")
    glucocorticoid: Value = Field(default=None, description="mg prednisolone a day")
    methotrexate: Value = Field(default=None, description="mg a week, or none, low, full")
    current_drug: State = Field(default=None, description="molecule, brand or class; none for a first biologic")
    months_on_drug: Value = Field(default=None, description="months on the current drug")
    response: State = Field(default=None, description="course on the current drug: never, partial, lost, intolerant")
    earlier: Earlier = Field(default=None, description="earlier drugs, without the current one; a map is complete")
    refill_adherence: Value = Field(default=None, description="proportion of days covered, 0-1, or a percentage")
    reported_adherence: State = Field(default=None, description="yes, no: taken as prescribed by own report")
    drug_level: Value = Field(default=None, description="trough in mg/L, or undetectable, low, in_range")
    ada_test: Value = Field(default=None, description="AU/mL, or negative, low_positive, high_positive")
    sjc28: Value = Field(default=None, description="swollen joints of 28")
    tjc28: Value = Field(default=None, description="tender joints of 28")
    crp: Value = Field(default=None, description="mg/L")
    esr: Value = Field(default=None, description="mm/h")
    patient_global: Value = Field(default=None, description="mm, 0-100")
    physician_global: Value = Field(default=None, description="mm, 0-100")
    power_doppler: State = Field(default=None, description="negative, positive")
    rf: Value = Field(default=None, description="IU/mL, or negative, positive, high")
    acpa: Value = Field(default=None, description="U/mL, or negative, positive, high")
    eta_14_3_3: Value = Field(default=None, description="ng/mL, or negative, positive")
    il6_level: Value = Field(default=None, description="pg/mL, or normal, high")
    gm_csf_level: State = Field(default=None, description="normal, high")
    synovial_b_cells: State = Field(default=None, description="poor, rich")
    pathotype: State = Field(default=None, description="lympho_myeloid, diffuse_myeloid, pauci_immune")
    msrc: State = Field(default=None, description="negative, positive: non-response to TNF inhibitors predicted")
    ifn_signature: State = Field(default=None, description="negative, positive")
    fibromyalgia: State = Field(default=None, description="yes, no: diagnosis made")
    depression: State = Field(default=None, description="yes, no: diagnosis made")
    osteoarthritis: State = Field(default=None, description="yes, no: diagnosis made")
    widespread_pain: State = Field(default=None, description="yes, no")
    hand_xray_oa: State = Field(default=None, description="yes, no")
    first_questionnaire: Value = Field(default=None, description="FiRST, 0-6")
    phq9: Value = Field(default=None, description="PHQ-9, 0-27")
    sleep_questionnaire: Value = Field(default=None, description="PSQI, 0-21")
    red_flags: State = Field(default=None, description="none, crystals, fever_weight_loss, new_autoantibodies, single_joint")

    def __init__(self, /, **fields: Any) -> None:
        """Read and check the fields; see the class for what they take and which errors they raise."""
        stored, _ = _read_record(fields)
        super().__init__(**stored)

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Self:
        """Return the patient in a mapping from field to value."""
        if not isinstance(record, Mapping):
            raise FindingError(f"{shown(record)} is not a patient record; accepted: a map from field to value")
        odd = [name for name in record if not isinstance(name, str)]
        if odd:
            raise _report([unknown_name("field", shown(name), FIELD_VARIABLES) for name in odd])
        return cls(**record)

    @classmethod
    def from_yaml(cls, path: str | PathLike[str]) -> Self:
        """Return the patient in a YAML file; yes and no are read as true and false, `none` stays a text."""
        name, text = read_text(path)
        return cls._from_content(parse_yaml(text, name), name)

    @classmethod
    def from_json(cls, path: str | PathLike[str]) -> Self:
        """Return the patient in a JSON file."""
        name, text = read_text(path)
        return cls._from_content(parse_json(text, name), name)

    @classmethod
    def from_file(cls, path: str | PathLike[str]) -> Self:
        """Return the patient in a file whose name ends in .yaml, .yml or .json."""
        try:
            suffix = Path(fspath(path)).suffix.casefold()
        except TypeError:
            raise FindingError(f"{shown(path)} is not a path; accepted: the path of a file") from None
        if suffix in (".yaml", ".yml"):
            return cls.from_yaml(path)
        if suffix == ".json":
            return cls.from_json(path)
        # A folder or a missing file is the better message, so that it is looked for first.
        read_text(path)
        raise FindingError(f"{fspath(path)}: the ending {suffix!r} is not known; accepted: .yaml, .yml, .json")

    @classmethod
    def from_row(cls, row: Any) -> Self:
        """Return the patient in a row of a table, a pandas Series or a mapping from column to cell.

        None, NaN and the texts "", NA, N/A, NaN and null mean "not observed", while "none" is a state where the field
        has it (read CSV files with `keep_default_na=False`, so that it is kept). A map, as for `earlier`, is written
        as text in its cell: "{tnf_inhibitor: lost_response}".
        """
        return cls.from_dict(read_row(row))

    @classmethod
    def _from_content(cls, content: Any, name: str) -> Self:
        try:
            return cls.from_dict(as_record(content, name))
        except (FindingError, UnknownNameError) as error:
            text = str(error)
            raise (error if text.startswith(name) else type(error)(f"{name}: {text}")) from None

    @classmethod
    def model_validate(cls, obj: Any, **_options: Any) -> Self:
        """Return the patient in a mapping, as `from_dict` does, or a patient as it is."""
        return obj if isinstance(obj, cls) else cls.from_dict(obj)

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **_options: Any) -> Self:
        """Return the patient in a JSON text."""
        try:
            text = json_data if isinstance(json_data, str) else bytes(json_data).decode("utf-8-sig")
        except UnicodeDecodeError:
            raise FindingError("JSON: not a text in UTF-8") from None
        return cls._from_content(parse_json(text, "JSON"), "JSON")

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy with some fields changed, checked as a new record is."""
        return self.with_changes(**(update or {}))

    @property
    def observations(self) -> Mapping[str, Observation]:
        """What each observed field says, by field, in the order of the fields."""
        return MappingProxyType(_read_record(self.observed)[1])

    @property
    def observed(self) -> Mapping[str, Any]:
        """The observed fields and what was given for them, in the order of the fields."""
        values = {field: getattr(self, field) for field in FIELD_VARIABLES}
        return MappingProxyType({field: value for field, value in values.items() if value is not None})

    def findings(self) -> tuple[Finding, ...]:
        """Return one finding for each observation; `earlier` gives at least one for each drug class."""
        return build_findings(self.observations, self.observed)

    def warnings(self, language: str = "en") -> tuple[str, ...]:
        """Return what a reader of the record should know although it can be used as it is, English (`en`) or Chinese (`zh`)."""
        return tuple(warning.said(check_language(language)) for warning in warnings_of(self.observations))

    def to_dict(self) -> dict[str, Any]:
        """Return the observed fields as plain values; `from_dict` makes the same patient of them."""
        return {field: _thaw(value) for field, value in self.observed.items()}

    def without(self, *fields: str) -> Self:
        """Return the patient with these fields not observed."""
        return self.with_changes(**dict.fromkeys(fields))

    def with_changes(self, **changes: Any) -> Self:
        """Return the patient with these fields changed; None makes a field not observed."""
        return type(self)(**{**self.observed, **changes})

    @field_serializer("*")
    def _plain(self, value: Any) -> Any:
        return _thaw(value)

    def __repr__(self) -> str:
        """Show the observed fields alone."""
        given = ", ".join(f"{field}={_thaw(value)!r}" for field, value in self.observed.items())
        return f"Patient({given})"

    __str__ = __repr__
