"""Two corrections to the emulator, applied before it starts.

Python imports a module of this name by itself when its folder is on PYTHONPATH;
localstack/local puts it there for the emulator's process only.

1. Nagle's algorithm is switched off in the servers that the emulator talks to its
   functions through. With it every invocation waits about 45 ms for a delayed ACK.
2. Functions get a session token that names their region and themselves. Tokens are
   not checked (AUTH is off), but every SDK sends them with every call, so the edge can
   tell who calls. Without that a region could be cut off from its clients but its
   functions would go on reaching the other regions.
"""

import importlib.abc
import importlib.machinery
import socketserver
import sys

socketserver.StreamRequestHandler.disable_nagle_algorithm = True

_MODULE = "ministack.core.lambda_runtime"


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


class _Loader(importlib.abc.Loader):
    def __init__(self, wrapped):
        self._wrapped = wrapped

    def create_module(self, spec):
        return self._wrapped.create_module(spec)

    def exec_module(self, module):
        self._wrapped.exec_module(module)
        _name_the_caller(module)

    def __getattr__(self, name):
        return getattr(self._wrapped, name)


class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, fullname, path=None, target=None):
        if fullname != _MODULE:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


sys.meta_path.insert(0, _Finder())
