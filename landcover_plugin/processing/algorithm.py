"""What the algorithms share: how they present themselves, and how errors reach the user."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qgis.core import (
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingParameterDefinition,
)
from qgis.PyQt.QtGui import QIcon

from ..core.errors import LandcoverError
from .icons import icon

_ADVANCED = QgsProcessingParameterDefinition.Flag.FlagAdvanced


@dataclass(frozen=True)
class Words:
    """What an algorithm says of itself, translated.

    Args:
        title: in the Toolbox.
        short: its tooltip there.
        help: beside the dialog.
        tags: words that a search finds it by, with commas between them.
    """

    title: str
    short: str
    help: str
    tags: str


class LandcoverAlgorithm(QgsProcessingAlgorithm):
    """Base of the algorithms: QGIS' calls are answered here, :meth:`run` does the work.

    QGIS makes an instance for each run. It calls :meth:`prepareAlgorithm` in the main thread and
    :meth:`processAlgorithm` in a thread of its own (in ``qgis_process`` in the main thread too).
    """

    NAME = ""

    def __init__(self) -> None:
        super().__init__()
        self._fault: LandcoverError | None = None

    def words(self) -> Words:
        """What it says of itself."""
        raise NotImplementedError

    def createInstance(self) -> LandcoverAlgorithm:
        """A fresh algorithm for one run."""
        return type(self)()

    def name(self) -> str:
        """Second part of ``landcover:name``."""
        return self.NAME

    def displayName(self) -> str:
        """What the Toolbox shows."""
        return self.words().title

    def shortDescription(self) -> str:
        """The tooltip in the Toolbox."""
        return self.words().short

    def shortHelpString(self) -> str:
        """The text beside the dialog."""
        return self.words().help

    def tags(self) -> list[str]:
        """Words that the Toolbox' search finds it by."""
        return [tag.strip() for tag in self.words().tags.split(",")]

    def icon(self) -> QIcon:
        """Its picture."""
        return icon(self.NAME)

    def offer(
        self, parameter: QgsProcessingParameterDefinition, explanation: str, *, advanced: bool = False
    ) -> None:
        """Add a parameter with its explanation.

        Args:
            parameter: QGIS takes it over.
            explanation: the tooltip, translated.
            advanced: whether it is folded away.
        """
        parameter.setHelp(explanation)
        if advanced:
            parameter.setFlags(parameter.flags() | _ADVANCED)
        self.addParameter(parameter)

    def checkParameterValues(
        self, parameters: dict[str, Any], context: QgsProcessingContext
    ) -> tuple[bool, str]:
        """Whether the values make sense, and a sentence where they do not."""
        accepted, message = super().checkParameterValues(parameters, context)
        if not accepted:
            return False, message
        try:
            self.check(parameters, context)
        except LandcoverError as e:
            return False, str(e)
        return True, ""

    def prepareAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> bool:
        """Take what is needed from layers, in their thread.

        What is wrong is raised later: callers hear nothing of an exception from here.
        """
        try:
            self.prepare_run(parameters, context, feedback)
        except LandcoverError as e:
            self._fault = e
        return True

    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Do the work; an error of the core becomes one of Processing."""
        try:
            if self._fault is not None:
                raise self._fault
            return self.run_prepared(parameters, context, feedback)
        except LandcoverError as e:
            raise QgsProcessingException(str(e)) from e

    def check(self, parameters: dict[str, Any], context: QgsProcessingContext) -> None:
        """Look at the values before a run.

        Raises:
            LandcoverError: they make no sense.
        """

    def prepare_run(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> None:
        """Take what is needed from layers and parameters, in the main thread.

        Raises:
            LandcoverError: something is missing.
        """

    def run_prepared(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Do the work, in any thread.

        Returns:
            The algorithm's outputs.

        Raises:
            LandcoverError: it could not be done.
        """
        raise NotImplementedError
