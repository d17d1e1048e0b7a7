"""The server fuzzed from its own OpenAPI description over a real socket: whatever comes, a status that it tells of."""

import json
import os

import httpx
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.serving.running_server import RunningServer, npy, small_checkpoint, usual_form

jsonschema_rs = pytest.importorskip("jsonschema_rs")
pytest.importorskip("fastapi")
pytest.importorskip("prometheus_client")

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "120"))
"""More of them, and others in each run, by hand."""

SETTINGS = settings(
    max_examples=EXAMPLES, deadline=None, derandomize=EXAMPLES == 120, suppress_health_check=list(HealthCheck)
)
NUMBERS = ("x", "y", "z", "angle", "width")
KINDS = ("multipart/form-data; boundary=x", "multipart/form-data", "text/plain")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    options = ("--model", small_checkpoint(folder / "small"), "--backend", "torch", "--max-seconds", 60)
    with RunningServer(folder / "log", *options, "--workers", 1, "--max-megabytes", 4) as running:
        yield running


@pytest.fixture(scope="module")
def description(server):
    told = httpx.get(f"{server.address}/openapi.json").json()
    assert told["openapi"].startswith("3.")
    return told


def values_of(schema, usual):
    """Texts for a field: of its schema, of another, or nothing sensible."""
    numbers = st.floats(allow_nan=True).map(str) | st.floats(-1, 1).map(str) | st.integers(-5, 10).map(str)
    kinds = {
        "number": numbers,
        "integer": st.integers().map(str) | st.integers(0, 12).map(str),
        "boolean": st.sampled_from(["true", "false", "1", "yes"]),
        "array": st.lists(st.floats(-0.3, 0.3) | st.floats(), max_size=9).map(lambda each: " ".join(map(str, each))),
        "string": st.text(max_size=30) if schema.get("format") != "binary" else st.binary(max_size=200),
    }
    made = kinds[schema["type"]] | st.text(max_size=20)
    return made if usual is None else st.just(usual) | st.just(usual) | st.just(usual) | made


DEPTHS = st.sampled_from(
    [
        npy(np.zeros((480, 640), np.uint16)),
        npy(np.full((480, 640), 700, np.uint16)),
        npy(np.full((4, 4), 0.7, np.float32)),
        npy(np.full((480, 640), np.inf, np.float32)),
        npy(np.zeros((1, 1, 1), np.float64)),
        npy(np.array(["text"])),
        b"\x93NUMPY\x01\x00\xff\xff",
        b"\x89PNG\r\n\x1a\n" + bytes(40),
    ]
)


def damaged(data):
    """The usual picture with some bytes changed or cut off."""
    places = st.lists(st.tuples(st.integers(0, len(data) - 1), st.integers(0, 255)), max_size=4)

    def spoil(changes, length):
        spoilt = bytearray(data)
        for place, byte in changes:
            spoilt[place % 200 if place % 2 else place] = byte
        return bytes(spoilt[:length])

    return st.builds(spoil, places, st.integers(0, len(data)) | st.just(len(data)))


def forms(description):
    """Forms with usual and unusual fields."""
    body = description["paths"]["/v1/grasps"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    usual, strategies = usual_form(), {}
    for name, schema in body["properties"].items():
        strategies[name] = values_of(schema, usual.get(name))
    strategies["depth"] = st.just(usual["depth"]) | DEPTHS | damaged(usual["depth"])
    optional = {name: each for name, each in strategies.items() if name not in body["required"]}
    required = {name: strategies[name] for name in body["required"]}
    few = st.lists(st.sampled_from(sorted(optional)), max_size=3, unique=True).flatmap(
        lambda names: st.fixed_dictionaries({name: optional[name] for name in names})
    )
    whole = st.builds(lambda one, other: {**one, **other}, st.fixed_dictionaries(required), few)
    return whole | st.builds(lambda form, gone: {**form, gone: None}, whole, st.sampled_from(body["required"]))


def test_every_answer_is_one_that_the_description_tells_of(server, description):
    responses = description["paths"]["/v1/grasps"]["post"]["responses"]
    validators = {
        status: jsonschema_rs.validator_for({**response["content"]["application/json"]["schema"], **definitions})
        for definitions in [{"components": description["components"]}]
        for status, response in responses.items()
        if "application/json" in response.get("content", {})
    }
    seen = set()

    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=EXAMPLES == 120, suppress_health_check=list(HealthCheck)
    )
    @given(forms(description))
    def ask(form):
        response = server.ask(**{name: value for name, value in form.items() if value != b"" or name == "depth"})
        seen.add(response.status_code)
        assert str(response.status_code) in validators, response.text
        told = response.json()
        validators[str(response.status_code)].validate(told)
        if response.status_code == 200:
            assert bool(told["grasps"]) == (told["nothing"] is None)
            assert all(
                np.isfinite(grasp[name]) for grasp in told["grasps"] for name in ("x", "y", "z", "angle", "width")
            )
        else:
            assert "\n" not in told["message"] and "Traceback" not in told["message"]

    ask()
    assert {200, 422} <= seen
    assert server.process.poll() is None and server.ask().status_code == 200


def test_bytes_that_are_no_form_get_a_status(server):
    @settings(SETTINGS, max_examples=60)
    @given(
        st.binary(max_size=300),
        st.sampled_from(["multipart/form-data; boundary=x", "multipart/form-data", "text/plain"]),
    )
    def ask(body, kind):
        response = httpx.post(f"{server.address}/v1/grasps", content=body, headers={"Content-Type": kind})
        assert response.status_code in (415, 422) and set(response.json()) == {"code", "message"}

    ask()


def test_the_description_has_examples_and_tells_every_status(description):
    post = description["paths"]["/v1/grasps"]["post"]
    schema = post["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert all(each["description"] for each in schema["properties"].values())
    assert sum("example" in each for each in schema["properties"].values()) > 12
    assert {"200", "401", "404", "408", "413", "415", "422", "429", "503"} <= set(post["responses"])
    assert json.dumps(description)
