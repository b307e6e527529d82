"""The model chooser of the Processing dialogs: installed models, or any folder."""

from __future__ import annotations

from typing import Any

from processing.gui.wrappers import DIALOG_MODELER, WidgetWrapper
from qgis.core import (
    QgsProcessingOutputString,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterFile,
    QgsProcessingParameterString,
)
from qgis.PyQt.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QSizePolicy, QToolButton, QWidget

from ..core.model_library import list_models, user_models_folder
from ..translation import tr


class ModelWidgetWrapper(WidgetWrapper):
    """An editable list of the installed models with a button for a folder.

    Processing makes one for each dialog, batch row and step of a model.
    """

    def createWidget(self, **_: Any) -> QWidget:
        """The list and the button."""
        self._combo = QComboBox()
        self._combo.setEditable(True)
        self._combo.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self._combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._combo.setMinimumContentsLength(12)
        if self.parameterDefinition().flags() & QgsProcessingParameterDefinition.Flag.FlagOptional:
            self._combo.addItem(tr("The one that fits the imagery"), "")
        for spec in list_models():
            self._combo.addItem(f"{spec.title} ({spec.name})", spec.name)
        if self.dialogType == DIALOG_MODELER:
            self._add_model_inputs()
        button = QToolButton()
        button.setText("…")
        button.setToolTip(tr("Choose the folder of a model"))
        button.clicked.connect(self._choose_folder)
        self._combo.currentIndexChanged.connect(lambda _: self.widgetValueHasChanged.emit(self))
        self._combo.editTextChanged.connect(lambda _: self.widgetValueHasChanged.emit(self))
        self._combo.lineEdit().setCursorPosition(0)  # where the list is narrow, show how the name begins
        widget = QWidget()
        layout = QHBoxLayout(widget)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._combo)
        layout.addWidget(button)
        return widget

    def _add_model_inputs(self) -> None:
        """What the steps before give, in the Model Designer."""
        kinds = [QgsProcessingParameterString, QgsProcessingParameterFile]
        for value in self.dialog.getAvailableValuesOfType(kinds, [QgsProcessingOutputString]):
            self._combo.addItem(self.dialog.resolveValueDescription(value), value)

    def _choose_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(
            self._combo, tr("Folder of a model"), str(user_models_folder())
        )
        if folder:
            self.setValue(folder)

    def setValue(self, value: Any) -> None:
        """Show a value: an installed model's name, or any text."""
        self.setComboValue("" if value is None else value, self._combo)
        self._combo.lineEdit().setCursorPosition(0)

    def value(self) -> Any:
        """The name, path or input that is chosen; empty for the model that fits."""
        return self.comboValue(combobox=self._combo)
