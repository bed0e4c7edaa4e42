"""Corrections to the emulator, applied before it starts.

Python imports a module of this name by itself when its folder is on PYTHONPATH;
localstack/local puts it there for the emulator's process only.

1. Nagle's algorithm is switched off in the servers that the emulator talks to its
   functions through. With it every invocation waits about 45 ms for a delayed ACK.
2. Functions get a session token that names their region and themselves. Tokens are
   not checked (AUTH is off), but every SDK sends them with every call, so the edge can
   tell who calls. Without that a region could be cut off from its clients but its
   functions would go on reaching the other regions.
3. Alarms are not evaluated when data is put: that takes the data of all dimensions for
   one and knows no missing data. localstack/edge/alarm evaluates them, by the clock.
4. Every invocation counts in AWS/Lambda, those of mappings, rules and schedules too. The
   emulator counts calls of Invoke only, and among them those that it throttles.
5. A calculated health check keeps its children: the emulator looks for their ids one
   element too deep and stores empty ones.
"""

import importlib.abc
import importlib.machinery
import socketserver
import sys

socketserver.StreamRequestHandler.disable_nagle_algorithm = True


def _name_the_caller(module):
    original = module.execution_credentials

    def execution_credentials(config):
        credentials = original(config)
        # With AUTH=true the token is a real session's and has to stay.
        if not credentials["AWS_ACCESS_KEY_ID"].startswith("ASIA"):
            _, region = module._account_region_from_function_config(config)
            name = config.get("FunctionName", "unknown")
            credentials["AWS_SESSION_TOKEN"] = f"unbroken/{region}/{name}"
        return credentials

    module.execution_credentials = execution_credentials


def _leave_alarms_alone(module):
    module._evaluate_alarm = lambda alarm: None


def _count_invocations(module):
    log = module._emit_lambda_logs

    def emit_metrics(name, duration_ms, error, throttle):
        # Without a duration nothing ran: a slot was refused, or an event was only taken.
        if throttle and not duration_ms:
            _record(name, Throttles=1)

    def emit_logs(func, request_id, log_text, error, duration_ms, **rest):
        name = (func.get("config") or func).get("FunctionName", "unknown")
        _record(name, Invocations=1, Errors=1 if error else 0, Throttles=0, Duration=duration_ms)
        return log(func, request_id, log_text, error, duration_ms, **rest)

    module._emit_lambda_metrics, module._emit_lambda_logs = emit_metrics, emit_logs


def _record(function, **metrics):
    from ministack.services import cloudwatch

    for name, value in metrics.items():
        unit = "Milliseconds" if name == "Duration" else "Count"
        cloudwatch.record_metric("AWS/Lambda", name, value, unit, {"FunctionName": function})


def _keep_children(module):
    parse = module._parse_health_check_config

    def parse_config(element):
        config = parse(element)
        children = module._find(element, "ChildHealthChecks")
        if children is not None:
            config["ChildHealthChecks"] = [c.text for c in children]
        return config

    module._parse_health_check_config = parse_config


_CORRECTIONS = {
    "ministack.core.lambda_runtime": _name_the_caller,
    "ministack.services.cloudwatch": _leave_alarms_alone,
    "ministack.services.lambda_svc": _count_invocations,
    "ministack.services.route53": _keep_children,
}


class _Loader(importlib.abc.Loader):
    def __init__(self, wrapped, correct):
        self._wrapped, self._correct = wrapped, correct

    def create_module(self, spec):
        return self._wrapped.create_module(spec)

    def exec_module(self, module):
        self._wrapped.exec_module(module)
        self._correct(module)

    def __getattr__(self, name):
        return getattr(self._wrapped, name)


class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, fullname, path=None, target=None):
        if fullname not in _CORRECTIONS:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader, _CORRECTIONS[fullname])
        return spec


sys.meta_path.insert(0, _Finder())
