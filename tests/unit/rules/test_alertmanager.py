"""Alertmanager's configuration: who is told, and which consequence is left unsaid because of which cause."""

import re
from typing import Any

import yaml

from celery_otel_pipeline.repository import ROOT
from tests.unit.rules.shipped import RULES

CONFIGURATION: dict[str, Any] = yaml.safe_load((ROOT / "collector" / "alertmanager" / "alertmanager.yml").read_text())
MATCHER = re.compile(r'^alertname =(~?) "?([^"]+)"?$')


def _alerts(matchers: list[str]) -> set[str]:
    """The shipped alerts that a list selects whose first matcher is on `alertname`."""
    matcher, *_ = matchers
    found = MATCHER.match(matcher)
    assert found, matcher
    wanted = found[2] if found[1] else re.escape(found[2])
    return {name for name in RULES if re.fullmatch(wanted, name)}


def _inhibitions() -> dict[tuple[str, str], list[str]]:
    """By cause and consequence: the labels in which they have to agree."""
    return {
        (cause, consequence): rule.get("equal", [])
        for rule in CONFIGURATION["inhibit_rules"]
        for cause in _alerts(rule["source_matchers"])
        for consequence in _alerts(rule["target_matchers"])
    }


def test_every_name_in_an_inhibition_is_an_alert() -> None:
    """An alert that was renamed would be told again beside its cause."""
    for rule in CONFIGURATION["inhibit_rules"]:
        for side in ("source_matchers", "target_matchers"):
            names = re.sub(r"^alertname =~? ", "", rule[side][0]).strip('"')
            every = re.sub(
                r"(\w*)\(([^)]*)\)", lambda found: "|".join(found[1] + end for end in found[2].split("|")), names
            )
            for name in every.split("|"):
                assert any(re.fullmatch(name, alert) for alert in RULES), name


def test_causes_leave_their_consequences_unsaid() -> None:
    """The pairs that matter most: nobody is called for a worker because the broker or the collector is away."""
    pairs = _inhibitions()

    for consequence in ("WorkerDown", "WorkerSilent", "BeatNotFiring", "ConsumerStuck"):
        assert {("BrokerDown", consequence), ("CollectorDown", consequence)} <= pairs.keys()
    assert ("CollectorDown", "ApiDown") in pairs
    assert ["queue_name"] == pairs["QueueWithoutConsumer", "QueueBacklog"]
    assert ["task_name"] == pairs["TaskTimeout", "HighTaskFailureRate"]


def test_only_a_collector_without_its_page_of_workers_hides_anything() -> None:
    """The collector's page about itself leaves no alert unsaid where it cannot be scraped, nor one worker a backlog."""
    (rule,) = (one for one in CONFIGURATION["inhibit_rules"] if "alertname = CollectorDown" in one["source_matchers"])

    assert rule["source_matchers"] == ["alertname = CollectorDown", "job = celery_workers"]
    assert 'job=~"celery_workers|' in RULES["CollectorDown"]["expr"]
    assert ("WorkerDown", "QueueBacklog") not in _inhibitions()


def test_a_cause_fires_a_while_longer_than_it_lasts() -> None:
    """A consequence that lasts a moment longer than its cause would be told then; nothing else is drawn out."""
    causes = {cause for cause, _ in _inhibitions()}

    assert causes == {name for name, rule in RULES.items() if "keep_firing_for" in rule}


def test_nothing_silences_the_dead_man_s_switch_a_loss_or_a_cause_of_all() -> None:
    """What stands by itself is always told, and no two alerts leave each other unsaid."""
    pairs = _inhibitions()
    unsaid = {consequence for _, consequence in pairs}

    assert set() == unsaid & {"Watchdog", "BrokerDown", "CollectorDown", "WorkerLost", "DuplicateTasks", "UnknownTasks"}
    assert set() == {(cause, other) for cause, other in pairs if (other, cause) in pairs}


def test_both_sides_of_an_inhibition_have_the_labels_that_have_to_be_equal() -> None:
    """A label that one side lacks is never equal to the other side's, and the inhibition would do nothing."""
    for (cause, consequence), labels in _inhibitions().items():
        for label in labels:
            for name in (cause, consequence):
                assert re.search(rf"by \([^)]*\b{label}\b", RULES[name]["expr"]), (name, label)


def test_every_severity_has_a_receiver() -> None:
    """Critical alerts, the dead man's switch and all others go three ways."""
    route = CONFIGURATION["route"]
    receivers = {receiver["name"] for receiver in CONFIGURATION["receivers"]}

    assert {route["receiver"], *(child["receiver"] for child in route["routes"])} == receivers
    assert [["alertname = Watchdog"], ["severity = critical"]] == [child["matchers"] for child in route["routes"]]
