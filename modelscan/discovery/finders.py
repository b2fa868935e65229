"""The table of finders. Each file goes to the first finder that is for it."""

from __future__ import annotations

from modelscan.discovery.config_files import ConfigFinder
from modelscan.discovery.dockerfile import DockerfileFinder
from modelscan.discovery.finder import Finder
from modelscan.discovery.javascript import JavaScriptFinder
from modelscan.discovery.modelfile import ModelfileFinder
from modelscan.discovery.notebooks import NotebookFinder
from modelscan.discovery.python.finder import PythonFinder
from modelscan.discovery.requirements import RequirementsFinder
from modelscan.discovery.settings import SettingsFinder
from modelscan.discovery.shell import MakefileFinder, ShellFinder

FINDERS: tuple[Finder, ...] = (
    PythonFinder(),
    NotebookFinder(),
    DockerfileFinder(),
    ModelfileFinder(),
    MakefileFinder(),
    RequirementsFinder(),
    SettingsFinder(),
    ConfigFinder(),
    ShellFinder(),
    JavaScriptFinder(),
)
