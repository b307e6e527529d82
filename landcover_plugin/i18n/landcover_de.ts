<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="de" sourcelanguage="en">
 <context>
  <name>Landcover</name>
  <message>
   <location filename="../gui/choice_boxes.py" />
   <source>Model</source>
   <translation>Modell</translation>
  </message>
  <message>
   <location filename="../gui/choice_boxes.py" />
   <source>{} ({} bands, made for pixels of {} m). {}</source>
   <translation>{} ({} Kanäle, für Pixel von {} m). {}</translation>
  </message>
  <message>
   <location filename="../gui/choice_boxes.py" />
   <source>Predicts with this model</source>
   <translation>Sagt mit diesem Modell vorher</translation>
  </message>
  <message>
   <location filename="../gui/choice_boxes.py" />
   <source>No model is installed</source>
   <translation>Kein Modell ist installiert</translation>
  </message>
  <message>
   <location filename="../gui/choice_boxes.py" />
   <source>{} (not installed)</source>
   <translation>{} (nicht installiert)</translation>
  </message>
  <message>
   <location filename="../gui/compare.py" />
   <source>Land cover, blend</source>
   <translation>Landbedeckung, gemischt</translation>
  </message>
  <message>
   <location filename="../gui/compare.py" />
   <source>Land cover, classes</source>
   <translation>Landbedeckung, Klassen</translation>
  </message>
  <message>
   <location filename="../gui/dock.py" />
   <source>Land cover</source>
   <translation>Landbedeckung</translation>
  </message>
  <message>
   <location filename="../gui/dock.py" />
   <source>Predicts land cover on this imagery</source>
   <translation>Sagt die Landbedeckung auf diesem Bild vorher</translation>
  </message>
  <message>
   <location filename="../gui/dock.py" />
   <source>Imagery</source>
   <translation>Bild</translation>
  </message>
  <message>
   <location filename="../gui/dock.py" />
   <source>&amp;Imagery</source>
   <translation>B&amp;ild</translation>
  </message>
  <message>
   <location filename="../gui/dock.py" />
   <source>&amp;Model</source>
   <translation>&amp;Modell</translation>
  </message>
  <message>
   <location filename="../gui/dock.py" />
   <source>What was chosen, and why</source>
   <translation>Was gewählt wurde, und warum</translation>
  </message>
  <message>
   <location filename="../gui/dock.py" />
   <source>Show</source>
   <translation>Zeigen</translation>
  </message>
  <message>
   <location filename="../gui/dock.py" />
   <source>Opacity</source>
   <translation>Deckkraft</translation>
  </message>
  <message>
   <location filename="../gui/dock.py" />
   <source>Lets the imagery shine through</source>
   <translation>Lässt das Bild durchscheinen</translation>
  </message>
  <message>
   <location filename="../gui/dock.py" />
   <source>O&amp;pacity</source>
   <translation>D&amp;eckkraft</translation>
  </message>
  <message>
   <location filename="../gui/dock.py" />
   <source>Advanced</source>
   <translation>Erweitert</translation>
  </message>
  <message>
   <location filename="../gui/dock.py" />
   <source>guessed</source>
   <translation>erraten</translation>
  </message>
  <message>
   <location filename="../gui/dock.py" />
   <source>Band numbers</source>
   <translation>Kanalnummern</translation>
  </message>
  <message>
   <location filename="../gui/dock.py" />
   <source>Reads these bands, such as 4,1,2 in the model's order, instead of the guess</source>
   <translation>Liest diese Kanäle statt der erratenen, etwa 4,1,2 in der Reihenfolge des Modells</translation>
  </message>
  <message>
   <location filename="../gui/dock.py" />
   <source>Ba&amp;nds</source>
   <translation>Ka&amp;näle</translation>
  </message>
  <message>
   <location filename="../gui/dock.py" />
   <source>&amp;Settings…</source>
   <translation>Einstell&amp;ungen…</translation>
  </message>
  <message>
   <location filename="../gui/dock.py" />
   <source>Opens where predictions run, and how much is kept</source>
   <translation>Öffnet, wo vorhergesagt und wie viel behalten wird</translation>
  </message>
  <message>
   <location filename="../gui/dock.py" />
   <source>&amp;Classes</source>
   <translation>&amp;Klassen</translation>
  </message>
  <message>
   <location filename="../gui/dock.py" />
   <source>Paints the most likely class of each pixel</source>
   <translation>Malt die wahrscheinlichste Klasse jedes Pixels</translation>
  </message>
  <message>
   <location filename="../gui/dock.py" />
   <source>&amp;Blend</source>
   <translation>Gemis&amp;cht</translation>
  </message>
  <message>
   <location filename="../gui/dock.py" />
   <source>Mixes the colours of the classes by their probability</source>
   <translation>Mischt die Farben der Klassen nach ihrer Wahrscheinlichkeit</translation>
  </message>
  <message>
   <location filename="../gui/dock.py" />
   <source>C&amp;onfidence</source>
   <translation>&amp;Sicherheit</translation>
  </message>
  <message>
   <location filename="../gui/dock.py" />
   <source>Paints how sure the model is, white for sure</source>
   <translation>Malt, wie sicher das Modell ist; weiß ist sicher</translation>
  </message>
  <message>
   <location filename="../gui/dock.py" />
   <source>Compar&amp;e</source>
   <translation>&amp;Vergleichen</translation>
  </message>
  <message>
   <location filename="../gui/dock.py" />
   <source>Opens blend and classes in two windows beside the map</source>
   <translation>Öffnet Mischung und Klassen in zwei Fenstern neben der Karte</translation>
  </message>
  <message>
   <location filename="../gui/dock.py" />
   <source>Export &amp;view</source>
   <translation>&amp;Ausschnitt sichern</translation>
  </message>
  <message>
   <location filename="../gui/dock.py" />
   <source>Writes the land cover of this view to a GeoTIFF</source>
   <translation>Schreibt die Landbedeckung dieses Ausschnitts in ein GeoTIFF</translation>
  </message>
  <message>
   <location filename="../gui/dock.py" />
   <source>Export p&amp;redicted</source>
   <translation>Vor&amp;hersagen sichern</translation>
  </message>
  <message>
   <location filename="../gui/dock.py" />
   <source>Writes all that has been predicted so far to a GeoTIFF</source>
   <translation>Schreibt alles, was bisher vorhergesagt wurde, in ein GeoTIFF</translation>
  </message>
  <message>
   <location filename="../gui/dock.py" />
   <source>For pixels of {} m</source>
   <translation>Für Pixel von {} m</translation>
  </message>
  <message>
   <location filename="../gui/environment_setup.py" />
   <source>Local inference cannot be set up in {} ({}); make room there or change its permissions.</source>
   <translation>Lokales Rechnen lässt sich in {} nicht einrichten ({}); schaffen Sie dort Platz oder ändern Sie die Rechte.</translation>
  </message>
  <message>
   <location filename="../gui/environment_setup.py" />
   <source>the new environment does not say what it holds</source>
   <translation>die neue Umgebung sagt nicht, was sie enthält</translation>
  </message>
  <message>
   <location filename="../gui/environment_setup.py" />
   <source>Another QGIS is setting up local inference; wait until it is done.</source>
   <translation>Ein anderes QGIS richtet gerade lokales Rechnen ein; warten Sie, bis es fertig ist.</translation>
  </message>
  <message>
   <location filename="../gui/environment_setup.py" />
   <source>Local inference is ready: {}.</source>
   <translation>Lokales Rechnen ist bereit: {}.</translation>
  </message>
  <message>
   <location filename="../gui/environment_setup.py" />
   <source>Local inference could not be set up: {}.</source>
   <translation>Lokales Rechnen konnte nicht eingerichtet werden: {}.</translation>
  </message>
  <message>
   <location filename="../gui/environment_setup.py" />
   <source>{} cannot be started</source>
   <translation>{} lässt sich nicht starten</translation>
  </message>
  <message>
   <location filename="../gui/export.py" />
   <source>Exporting land cover</source>
   <translation>Landbedeckung wird geschrieben</translation>
  </message>
  <message>
   <location filename="../gui/export.py" />
   <source>Exporting predicted land cover</source>
   <translation>Vorhergesagte Landbedeckung wird geschrieben</translation>
  </message>
  <message>
   <location filename="../gui/export.py" />
   <source>land cover</source>
   <translation>Landbedeckung</translation>
  </message>
  <message>
   <location filename="../gui/export.py" />
   <source>GeoTIFF (*.tif *.tiff)</source>
   <translation>GeoTIFF (*.tif *.tiff)</translation>
  </message>
  <message>
   <location filename="../gui/export.py" />
   <source>This view is too far out to predict; zoom in, then export it.</source>
   <translation>Dieser Ausschnitt ist für Vorhersagen zu groß; zoomen Sie hinein und sichern Sie ihn dann.</translation>
  </message>
  <message>
   <location filename="../gui/export.py" />
   <source>Export the land cover of this view</source>
   <translation>Landbedeckung dieses Ausschnitts sichern</translation>
  </message>
  <message>
   <location filename="../gui/export.py" />
   <source>Export what has been predicted</source>
   <translation>Sichern, was vorhergesagt wurde</translation>
  </message>
  <message>
   <location filename="../gui/export.py" />
   <source>Written to {}</source>
   <translation>Geschrieben nach {}</translation>
  </message>
  <message>
   <location filename="../gui/export.py" />
   <source>The export failed: {}</source>
   <translation>Das Sichern schlug fehl: {}</translation>
  </message>
  <message>
   <location filename="../gui/inference_group.py" />
   <source>No live layer is open; it would run in NumPy, which is several times slower than ONNX Runtime.</source>
   <translation>Kein Live-Layer ist offen; er liefe in NumPy, das um ein Mehrfaches langsamer ist als ONNX Runtime.</translation>
  </message>
  <message>
   <location filename="../gui/inference_group.py" />
   <source>No live layer is open; it would run in ONNX Runtime.</source>
   <translation>Kein Live-Layer ist offen; er liefe in ONNX Runtime.</translation>
  </message>
  <message>
   <location filename="../gui/inference_group.py" />
   <source>Local inference</source>
   <translation>Lokales Rechnen</translation>
  </message>
  <message>
   <location filename="../gui/inference_group.py" />
   <source>Set &amp;up local inference…</source>
   <translation>Lokales Rechnen ein&amp;richten…</translation>
  </message>
  <message>
   <location filename="../gui/inference_group.py" />
   <source>Makes a Python with ONNX Runtime beside QGIS, which runs models several times faster</source>
   <translation>Legt neben QGIS ein Python mit ONNX Runtime an, das Modelle mehrmals so schnell ausführt</translation>
  </message>
  <message>
   <location filename="../gui/inference_group.py" />
   <source>&amp;Remove</source>
   <translation>&amp;Entfernen</translation>
  </message>
  <message>
   <location filename="../gui/inference_group.py" />
   <source>Deletes it from your QGIS profile</source>
   <translation>Löscht es aus Ihrem QGIS-Profil</translation>
  </message>
  <message>
   <location filename="../gui/inference_group.py" />
   <source>Open &amp;log</source>
   <translation>&amp;Protokoll öffnen</translation>
  </message>
  <message>
   <location filename="../gui/inference_group.py" />
   <source>Opens what the last set-up said</source>
   <translation>Öffnet das Protokoll der letzten Einrichtung</translation>
  </message>
  <message>
   <location filename="../gui/inference_group.py" />
   <source>Being set up.</source>
   <translation>Wird eingerichtet.</translation>
  </message>
  <message>
   <location filename="../gui/inference_group.py" />
   <source>Remove local inference from this computer? It can be set up again.</source>
   <translation>Lokales Rechnen von diesem Computer entfernen? Es lässt sich wieder einrichten.</translation>
  </message>
  <message>
   <location filename="../gui/inference_group.py" />
   <source>The worker's Python named above goes first.</source>
   <translation>Das oben genannte eigene Python geht vor.</translation>
  </message>
  <message>
   <location filename="../gui/inference_group.py" />
   <source>Runs now: {}</source>
   <translation>Läuft jetzt: {}</translation>
  </message>
  <message>
   <location filename="../gui/inference_group.py" />
   <source>No live layer is open; it would run on {}.</source>
   <translation>Kein Live-Layer ist offen; er liefe auf {}.</translation>
  </message>
  <message>
   <location filename="../gui/inference_group.py" />
   <source>Not set up; QGIS' own Python has ONNX Runtime.</source>
   <translation>Nicht eingerichtet; das Python von QGIS hat ONNX Runtime.</translation>
  </message>
  <message>
   <location filename="../gui/inference_group.py" />
   <source>Not set up.</source>
   <translation>Nicht eingerichtet.</translation>
  </message>
  <message>
   <location filename="../gui/inference_group.py" />
   <source>Set up: {}, in {}</source>
   <translation>Eingerichtet: {}, in {}</translation>
  </message>
  <message>
   <location filename="../gui/legend_chart.py" />
   <source>Legend with the share of each class in the view</source>
   <translation>Legende mit dem Anteil jeder Klasse am Ausschnitt</translation>
  </message>
  <message>
   <location filename="../gui/legend_chart.py" />
   <source>Class</source>
   <translation>Klasse</translation>
  </message>
  <message>
   <location filename="../gui/legend_chart.py" />
   <source>In view</source>
   <translation>Anteil</translation>
  </message>
  <message>
   <location filename="../gui/legend_chart.py" />
   <source>Area</source>
   <translation>Fläche</translation>
  </message>
  <message>
   <location filename="../gui/legend_chart.py" />
   <source>Shows or hides {} on the map</source>
   <translation>Zeigt oder verbirgt {} auf der Karte</translation>
  </message>
  <message>
   <location filename="../gui/live_gui.py" />
   <source>&amp;Land cover</source>
   <translation>&amp;Landbedeckung</translation>
  </message>
  <message>
   <location filename="../gui/live_gui.py" />
   <source>Land cover pa&amp;nel</source>
   <translation>&amp;Bedienfeld Landbedeckung</translation>
  </message>
  <message>
   <location filename="../gui/live_gui.py" />
   <source>Live land cover</source>
   <translation>Landbedeckung live</translation>
  </message>
  <message>
   <location filename="../gui/live_gui.py" />
   <source>Paints predicted land cover over the imagery as you browse</source>
   <translation>Malt beim Blättern vorhergesagte Landbedeckung über das Bild</translation>
  </message>
  <message>
   <location filename="../gui/live_gui.py" />
   <source>C&amp;lear kept predictions</source>
   <translation>Behaltene Vorhersagen &amp;löschen</translation>
  </message>
  <message>
   <location filename="../gui/live_gui.py" />
   <source>Se&amp;ttings…</source>
   <translation>Einstellun&amp;gen…</translation>
  </message>
  <message>
   <location filename="../gui/live_gui.py" />
   <source>&amp;Show</source>
   <translation>&amp;Zeigen</translation>
  </message>
  <message>
   <location filename="../gui/live_gui.py" />
   <source>There is no land cover yet; press the button in the toolbar first.</source>
   <translation>Es gibt noch keine Landbedeckung; drücken Sie zuerst den Knopf in der Werkzeugleiste.</translation>
  </message>
  <message>
   <location filename="../gui/live_gui.py" />
   <source>Choose a model</source>
   <translation>Modell wählen</translation>
  </message>
  <message>
   <location filename="../gui/live_gui.py" />
   <source>Settings</source>
   <translation>Einstellungen</translation>
  </message>
  <message>
   <location filename="../gui/live_gui.py" />
   <source>Comp&amp;are</source>
   <translation>&amp;Vergleichen</translation>
  </message>
  <message>
   <location filename="../gui/live_layers.py" />
   <source>Land cover of {}</source>
   <translation>Landbedeckung von {}</translation>
  </message>
  <message>
   <location filename="../gui/live_layers.py" />
   <source>No installed model fits imagery of so few bands ({}); import one with Processing, Land cover, Import model.</source>
   <translation>Kein installiertes Modell passt zu Bildern mit so wenigen Kanälen ({}); importieren Sie eines mit Verarbeitung, Landbedeckung, Modell importieren.</translation>
  </message>
  <message>
   <location filename="../gui/live_layers.py" />
   <source>{} cannot be opened for land cover; check its source.</source>
   <translation>{} lässt sich nicht für die Landbedeckung öffnen; prüfen Sie die Quelle.</translation>
  </message>
  <message>
   <location filename="../gui/live_switch.py" />
   <source>There is no imagery on the map; add a raster layer, then press the button again.</source>
   <translation>Auf der Karte ist kein Bild; fügen Sie einen Rasterlayer hinzu und drücken Sie den Knopf noch einmal.</translation>
  </message>
  <message>
   <location filename="../gui/options.py" />
   <source>Predictions that are kept</source>
   <translation>Vorhersagen, die behalten werden</translation>
  </message>
  <message>
   <location filename="../gui/options.py" />
   <source>Memory for predicted squares</source>
   <translation>Arbeitsspeicher für vorhergesagte Kacheln</translation>
  </message>
  <message>
   <location filename="../gui/options.py" />
   <source>In m&amp;emory</source>
   <translation>Im &amp;Arbeitsspeicher</translation>
  </message>
  <message>
   <location filename="../gui/options.py" />
   <source>Disk space for predicted squares; 0 keeps none</source>
   <translation>Plattenplatz für vorhergesagte Kacheln; 0 behält keine</translation>
  </message>
  <message>
   <location filename="../gui/options.py" />
   <source>On &amp;disk</source>
   <translation>Auf der Pla&amp;tte</translation>
  </message>
  <message>
   <location filename="../gui/options.py" />
   <source>&amp;Clear now</source>
   <translation>&amp;Jetzt löschen</translation>
  </message>
  <message>
   <location filename="../gui/options.py" />
   <source>Removes all predicted squares; they are predicted again when they are looked at</source>
   <translation>Entfernt alle vorhergesagten Kacheln; beim Ansehen werden sie neu vorhergesagt</translation>
  </message>
  <message>
   <location filename="../gui/options.py" />
   <source>Projects never hold these settings: opening one sends no imagery anywhere.</source>
   <translation>Projekte enthalten diese Einstellungen nie: eines zu öffnen schickt nirgendwohin Bilder.</translation>
  </message>
  <message>
   <location filename="../gui/running_group.py" />
   <source>Where predictions run</source>
   <translation>Wo vorhergesagt wird</translation>
  </message>
  <message>
   <location filename="../gui/running_group.py" />
   <source>auto, or https://server:8000</source>
   <translation>auto oder https://server:8000</translation>
  </message>
  <message>
   <location filename="../gui/running_group.py" />
   <source>What runs models</source>
   <translation>Was Modelle ausführt</translation>
  </message>
  <message>
   <location filename="../gui/running_group.py" />
   <source>auto takes the best of this computer. For servers write their addresses, parted by commas, such as https://a:8000,https://b:8000</source>
   <translation>auto nimmt das Beste dieses Computers. Für Server deren Adressen, durch Kommas getrennt, etwa https://a:8000,https://b:8000</translation>
  </message>
  <message>
   <location filename="../gui/running_group.py" />
   <source>&amp;Runs on</source>
   <translation>&amp;Läuft auf</translation>
  </message>
  <message>
   <location filename="../gui/running_group.py" />
   <source>Proves to servers who you are; kept in QGIS' authentication database</source>
   <translation>Zeigt Servern, wer anfragt; liegt in der Authentifizierungsdatenbank von QGIS</translation>
  </message>
  <message>
   <location filename="../gui/running_group.py" />
   <source>Servers' sign-in</source>
   <translation>Anmeldung bei Servern</translation>
  </message>
  <message>
   <location filename="../gui/running_group.py" />
   <source>Certificates (*.pem *.crt *.cer)</source>
   <translation>Zertifikate (*.pem *.crt *.cer)</translation>
  </message>
  <message>
   <location filename="../gui/running_group.py" />
   <source>the system's</source>
   <translation>die des Systems</translation>
  </message>
  <message>
   <location filename="../gui/running_group.py" />
   <source>Checks servers with these certificates (PEM) in place of the system's</source>
   <translation>Prüft Server mit diesen Zertifikaten (PEM) statt mit denen des Systems</translation>
  </message>
  <message>
   <location filename="../gui/running_group.py" />
   <source>Servers' &amp;certificates</source>
   <translation>&amp;Zertifikate der Server</translation>
  </message>
  <message>
   <location filename="../gui/running_group.py" />
   <source>Runs models in this Python, which has onnxruntime, in place of local inference as set up below</source>
   <translation>Führt Modelle in diesem Python aus, das onnxruntime hat, statt im unten eingerichteten lokalen Rechnen</translation>
  </message>
  <message>
   <location filename="../gui/running_group.py" />
   <source>Own &amp;Python</source>
   <translation>Ei&amp;genes Python</translation>
  </message>
  <message>
   <location filename="../gui/running_group.py" />
   <source>Looks for your own models here first</source>
   <translation>Sucht Ihre eigenen Modelle zuerst hier</translation>
  </message>
  <message>
   <location filename="../gui/running_group.py" />
   <source>&amp;Models folder</source>
   <translation>&amp;Modellordner</translation>
  </message>
  <message>
   <location filename="../gui/running_group.py" />
   <source>Imagery, and what proves who you are, would travel unencrypted to {}. Use https:// outside of a network that you trust.</source>
   <translation>Bilder und Anmeldedaten gingen unverschlüsselt an {}. Außerhalb vertrauenswürdiger Netze besser https:// verwenden.</translation>
  </message>
  <message>
   <location filename="../gui/running_group.py" />
   <source>There is no file {}; choose one with certificates, or none.</source>
   <translation>Es gibt keine Datei {}; wählen Sie eine mit Zertifikaten oder keine.</translation>
  </message>
  <message>
   <location filename="../gui/setup_dialog.py" />
   <source>Set up local inference</source>
   <translation>Lokales Rechnen einrichten</translation>
  </message>
  <message>
   <location filename="../gui/setup_dialog.py" />
   <source>Part of the set-up that is done</source>
   <translation>Teil der Einrichtung, der erledigt ist</translation>
  </message>
  <message>
   <location filename="../gui/setup_dialog.py" />
   <source>Models run several times faster in ONNX Runtime than in QGIS' own Python. It gets a place of its own in your QGIS profile, about 250 MB, and can be removed again; QGIS' Python stays as it is.</source>
   <translation>Modelle laufen in ONNX Runtime mehrmals so schnell wie im Python von QGIS. Es bekommt einen eigenen Platz im QGIS-Profil, etwa 250 MB, und lässt sich wieder entfernen; das Python von QGIS bleibt, wie es ist.</translation>
  </message>
  <message>
   <location filename="../gui/setup_dialog.py" />
   <source>Processor</source>
   <translation>Prozessor</translation>
  </message>
  <message>
   <location filename="../gui/setup_dialog.py" />
   <source>NVIDIA graphics card (CUDA; downloads 2 GB more)</source>
   <translation>NVIDIA-Grafikkarte (CUDA; lädt 2 GB mehr herunter)</translation>
  </message>
  <message>
   <location filename="../gui/setup_dialog.py" />
   <source>Any graphics card (DirectML)</source>
   <translation>Beliebige Grafikkarte (DirectML)</translation>
  </message>
  <message>
   <location filename="../gui/setup_dialog.py" />
   <source>Processor or Intel graphics (OpenVINO)</source>
   <translation>Prozessor oder Intel-Grafik (OpenVINO)</translation>
  </message>
  <message>
   <location filename="../gui/setup_dialog.py" />
   <source>What models run on</source>
   <translation>Worauf Modelle laufen</translation>
  </message>
  <message>
   <location filename="../gui/setup_dialog.py" />
   <source>Chooses the build of ONNX Runtime; each also runs on the processor</source>
   <translation>Wählt die Ausgabe von ONNX Runtime; jede läuft auch auf dem Prozessor</translation>
  </message>
  <message>
   <location filename="../gui/setup_dialog.py" />
   <source>Models run &amp;on</source>
   <translation>&amp;Modelle laufen auf</translation>
  </message>
  <message>
   <location filename="../gui/setup_dialog.py" />
   <source>Folder of wheels</source>
   <translation>Ordner mit Wheels</translation>
  </message>
  <message>
   <location filename="../gui/setup_dialog.py" />
   <source>from the internet (PyPI)</source>
   <translation>aus dem Internet (PyPI)</translation>
  </message>
  <message>
   <location filename="../gui/setup_dialog.py" />
   <source>Without internet: takes all packages from this folder of wheels, as 'pip download' makes it</source>
   <translation>Ohne Internet: nimmt alle Pakete aus diesem Ordner mit Wheels, wie ihn „pip download“ anlegt</translation>
  </message>
  <message>
   <location filename="../gui/setup_dialog.py" />
   <source>&amp;Folder of wheels</source>
   <translation>&amp;Ordner mit Wheels</translation>
  </message>
  <message>
   <location filename="../gui/setup_dialog.py" />
   <source>uv is used where it is installed, else venv and pip of QGIS' Python</source>
   <translation>uv, wo es installiert ist, sonst venv und pip aus dem Python von QGIS</translation>
  </message>
  <message>
   <location filename="../gui/setup_dialog.py" />
   <source>Made with</source>
   <translation>Angelegt mit</translation>
  </message>
  <message>
   <location filename="../gui/setup_dialog.py" />
   <source>Log</source>
   <translation>Protokoll</translation>
  </message>
  <message>
   <location filename="../gui/setup_dialog.py" />
   <source>&amp;Set up</source>
   <translation>&amp;Einrichten</translation>
  </message>
  <message>
   <location filename="../gui/setup_dialog.py" />
   <source>S&amp;top</source>
   <translation>An&amp;halten</translation>
  </message>
  <message>
   <location filename="../gui/setup_dialog.py" />
   <source>&amp;Close</source>
   <translation>&amp;Schließen</translation>
  </message>
  <message>
   <location filename="../gui/setup_dialog.py" />
   <source>Neither uv nor a Python was found; install uv.</source>
   <translation>Weder uv noch ein Python wurde gefunden; installieren Sie uv.</translation>
  </message>
  <message>
   <location filename="../gui/setup_dialog.py" />
   <source>The set-up goes on without this window</source>
   <translation>Die Einrichtung geht ohne dieses Fenster weiter</translation>
  </message>
  <message>
   <location filename="../gui/setup_dialog.py" />
   <source>Stopped; nothing was left behind.</source>
   <translation>Angehalten; nichts blieb zurück.</translation>
  </message>
  <message>
   <location filename="../gui/setup_dialog.py" />
   <source>There is no folder {}; choose one that holds wheels, or none.</source>
   <translation>Es gibt keinen Ordner {}; wählen Sie einen mit Wheels oder keinen.</translation>
  </message>
  <message>
   <location filename="../gui/state_line.py" />
   <source>State of the predictions</source>
   <translation>Stand der Vorhersagen</translation>
  </message>
  <message>
   <location filename="../gui/state_line.py" />
   <source>Part of the view that is predicted</source>
   <translation>Teil des Ausschnitts, der vorhergesagt ist</translation>
  </message>
  <message>
   <location filename="../gui/state_line.py" />
   <source>Press the button in the toolbar to see land cover here.</source>
   <translation>Drücken Sie den Knopf in der Werkzeugleiste, um hier Landbedeckung zu sehen.</translation>
  </message>
  <message>
   <location filename="../gui/state_line.py" />
   <source>Land cover is hidden; press the button in the toolbar to show it.</source>
   <translation>Die Landbedeckung ist verborgen; der Knopf in der Werkzeugleiste zeigt sie.</translation>
  </message>
  <message>
   <location filename="../gui/state_line.py" />
   <source>Too far out to predict; zoom in for land cover. What was predicted before is shown.</source>
   <translation>Zu weit draußen für Vorhersagen; zoomen Sie hinein. Gezeigt wird, was schon vorhergesagt war.</translation>
  </message>
  <message>
   <location filename="../gui/state_line.py" />
   <source>Getting ready…</source>
   <translation>Wird vorbereitet…</translation>
  </message>
  <message>
   <location filename="../gui/state_line.py" />
   <source>the model was made for other pixel sizes; expect poor results</source>
   <translation>das Modell ist für andere Pixelgrößen gemacht; die Ergebnisse werden schlecht sein</translation>
  </message>
  <message>
   <location filename="../gui/state_line.py" />
   <source>to predict several times faster.</source>
   <translation>um mehrmals so schnell vorherzusagen.</translation>
  </message>
  <message>
   <location filename="../gui/state_line.py" />
   <source>{} tiles waiting, {:.1f} Mpx/s</source>
   <translation>{} Kacheln warten, {:.1f} Mpx/s</translation>
  </message>
  <message>
   <location filename="../gui/state_line.py" />
   <source>{:.1f} Mpx/s</source>
   <translation>{:.1f} Mpx/s</translation>
  </message>
  <message>
   <location filename="../gui/state_line.py" />
   <source>predicted at 1 : {} of the imagery's detail</source>
   <translation>vorhergesagt mit 1 : {} der Einzelheiten des Bildes</translation>
  </message>
  <message>
   <location filename="../live/disk_tiles.py" />
   <source>it was written by a newer version</source>
   <translation>eine neuere Version hat ihn geschrieben</translation>
  </message>
  <message>
   <location filename="../live/disk_tiles.py" />
   <source>The tile cache could not be read ({}); it was moved to {} and a new one was begun.</source>
   <translation>Der Kachelspeicher war nicht lesbar ({}); er liegt jetzt unter {}, ein neuer wurde begonnen.</translation>
  </message>
  <message>
   <location filename="../live/disk_tiles.py" />
   <source>The tile cache {} cannot be used ({}), so new tiles are kept in memory only.</source>
   <translation>Der Kachelspeicher {} ist nicht benutzbar ({}); neue Kacheln bleiben nur im Arbeitsspeicher.</translation>
  </message>
  <message>
   <location filename="../live/disk_tiles.py" />
   <source>The tile cache {} is held by another program; until it lets go, new tiles are kept in memory only.</source>
   <translation>Der Kachelspeicher {} ist von einem anderen Programm belegt; bis es ihn freigibt, bleiben neue Kacheln nur im Arbeitsspeicher.</translation>
  </message>
  <message>
   <location filename="../live/disk_tiles.py" />
   <source>The tile cache {} is damaged and cannot be moved ({}); tiles are kept in memory only.</source>
   <translation>Der Kachelspeicher {} ist beschädigt und lässt sich nicht verschieben ({}); Kacheln bleiben nur im Arbeitsspeicher.</translation>
  </message>
  <message>
   <location filename="../live/disk_tiles.py" />
   <source>The tile cache {} cannot be made ({}); tiles are kept in memory only.</source>
   <translation>Der Kachelspeicher {} lässt sich nicht anlegen ({}); Kacheln bleiben nur im Arbeitsspeicher.</translation>
  </message>
  <message>
   <location filename="../live/exporting.py" />
   <source>Nothing has been predicted at this zoom yet; wait for the first squares.</source>
   <translation>In dieser Zoomstufe wurde noch nichts vorhergesagt; warten Sie auf die ersten Kacheln.</translation>
  </message>
  <message>
   <location filename="../live/exporting.py" />
   <source>The export was stopped; nothing was written.</source>
   <translation>Das Sichern wurde angehalten; nichts wurde geschrieben.</translation>
  </message>
  <message>
   <location filename="../live/feed.py" />
   <source>{} is not where it was; land cover shows what is known of it, so put it back or choose other imagery.</source>
   <translation>{} liegt nicht mehr dort, wo es lag; gezeigt wird, was davon bekannt ist. Legen Sie es zurück oder wählen Sie ein anderes Bild.</translation>
  </message>
  <message>
   <location filename="../live/feed.py" />
   <source>The live layer was closed before its predictions were complete.</source>
   <translation>Der Live-Layer wurde geschlossen, bevor seine Vorhersagen vollständig waren.</translation>
  </message>
  <message>
   <location filename="../live/feed.py" />
   <source>No prediction came for {} seconds; see the log panel for why.</source>
   <translation>Seit {} Sekunden kam keine Vorhersage; das Protokoll sagt, warum.</translation>
  </message>
  <message>
   <location filename="../live/feeds.py" />
   <source>Asking {} what imagery it has…</source>
   <translation>{} wird gefragt, welche Bilder es dort gibt …</translation>
  </message>
  <message>
   <location filename="../live/identify.py" />
   <source>Not predicted yet; click again in a moment.</source>
   <translation>Noch nicht vorhergesagt; klicken Sie gleich noch einmal.</translation>
  </message>
  <message>
   <location filename="../live/identify.py" />
   <source>Blended colours</source>
   <translation>Gemischte Farben</translation>
  </message>
  <message>
   <location filename="../live/identify.py" />
   <source>Confidence</source>
   <translation>Sicherheit</translation>
  </message>
  <message>
   <location filename="../live/identify.py" />
   <source>Confidence of {}</source>
   <translation>Sicherheit von {}</translation>
  </message>
  <message>
   <location filename="../live/identify.py" />
   <source>Probability: {}</source>
   <translation>Wahrscheinlichkeit: {}</translation>
  </message>
  <message>
   <location filename="../live/imagery.py" />
   <source>{} cannot be opened; check that it is where it was.</source>
   <translation>{} lässt sich nicht öffnen; prüfen Sie, ob es noch dort liegt, wo es lag.</translation>
  </message>
  <message>
   <location filename="../live/imagery.py" />
   <source>The imagery of {}</source>
   <translation>Das Bild von {}</translation>
  </message>
  <message>
   <location filename="../live/imagery.py" />
   <source>The imagery of the {} layer</source>
   <translation>Das Bild des {}-Layers</translation>
  </message>
  <message>
   <location filename="../live/live_source.py" />
   <source>Shows</source>
   <translation>Zeigt</translation>
  </message>
  <message>
   <location filename="../live/live_source.py" />
   <source>Bands</source>
   <translation>Kanäle</translation>
  </message>
  <message>
   <location filename="../live/live_source.py" />
   <source>Runs on</source>
   <translation>Läuft auf</translation>
  </message>
  <message>
   <location filename="../live/live_source.py" />
   <source>Problem</source>
   <translation>Problem</translation>
  </message>
  <message>
   <location filename="../live/native_exports.py" />
   <source>{} was not written, for live land cover of {} is missing: {}</source>
   <translation>{} wurde nicht geschrieben, denn Live-Landbedeckung von {} fehlt: {}</translation>
  </message>
  <message>
   <location filename="../live/provider.py" />
   <source>Land cover, predicted live</source>
   <translation>Landbedeckung, live vorhergesagt</translation>
  </message>
  <message>
   <location filename="../live/provider.py" />
   <source>This scale is too far out to predict land cover; choose a larger one.</source>
   <translation>Dieser Maßstab ist zu klein, um Landbedeckung vorherzusagen; wählen Sie einen größeren.</translation>
  </message>
  <message>
   <location filename="../live/session.py" />
   <source>A picture or file is not complete, live land cover of {} is missing: {}</source>
   <translation>Ein Bild oder eine Datei ist nicht vollständig, die Live-Landbedeckung von {} fehlt: {}</translation>
  </message>
  <message>
   <location filename="../live/session.py" />
   <source>{} was replaced; land cover is predicted anew.</source>
   <translation>{} wurde ersetzt; die Landbedeckung wird neu vorhergesagt.</translation>
  </message>
  <message>
   <location filename="../live/session.py" />
   <source>Model '{}' labels whole chips, not pixels; choose a segmentation model.</source>
   <translation>Das Modell „{}“ benennt ganze Bildstücke, nicht Pixel; wählen Sie ein Segmentierungsmodell.</translation>
  </message>
  <message>
   <location filename="../live/source_watch.py" />
   <source>{} is being changed; land cover waits until it is whole.</source>
   <translation>{} wird gerade geändert; die Landbedeckung wartet, bis es vollständig ist.</translation>
  </message>
  <message>
   <location filename="../live/uri.py" />
   <source>The data source of this land cover layer is too long; add the layer again.</source>
   <translation>Die Datenquelle dieses Landbedeckungslayers ist zu lang; fügen Sie den Layer neu hinzu.</translation>
  </message>
  <message>
   <location filename="../live/uri.py" />
   <source>The data source of this land cover layer names no imagery or no model; add it again.</source>
   <translation>Die Datenquelle dieses Landbedeckungslayers nennt kein Bild oder kein Modell; fügen Sie ihn neu hinzu.</translation>
  </message>
  <message>
   <location filename="../live/uri.py" />
   <source>The data source of this land cover layer makes no sense; add it again.</source>
   <translation>Die Datenquelle dieses Landbedeckungslayers ergibt keinen Sinn; fügen Sie ihn neu hinzu.</translation>
  </message>
  <message>
   <location filename="../live/uri.py" />
   <source>A land cover layer names its model '{}' by a path; choose an installed one.</source>
   <translation>Ein Landbedeckungslayer nennt sein Modell „{}“ mit einem Pfad; wählen Sie ein installiertes.</translation>
  </message>
  <message>
   <location filename="../live/uri.py" />
   <source>A land cover layer cannot show '{}'; use {}.</source>
   <translation>Ein Landbedeckungslayer kann „{}“ nicht zeigen; möglich sind {}.</translation>
  </message>
  <message>
   <location filename="../processing/class_areas.py" />
   <source>A raster of class numbers, such as Classify land cover makes.</source>
   <translation>Ein Raster von Klassennummern, wie es „Landbedeckung klassifizieren“ macht.</translation>
  </message>
  <message>
   <location filename="../processing/class_areas.py" />
   <source>Polygons; areas are given for each. Left empty, for the whole map.</source>
   <translation>Polygone; Flächen werden für jedes angegeben. Leer: für die ganze Karte.</translation>
  </message>
  <message>
   <location filename="../processing/class_areas.py" />
   <source>The field that names the zones; their ids where left empty.</source>
   <translation>Das Feld mit den Namen der Zonen. Leer: ihre Kennungen.</translation>
  </message>
  <message>
   <location filename="../processing/class_areas.py" />
   <source>A table with one row for each zone and class: pixels, square metres, share of the zone.</source>
   <translation>Eine Tabelle mit einer Zeile je Zone und Klasse: Pixel, Quadratmeter, Anteil an der Zone.</translation>
  </message>
  <message>
   <location filename="../processing/class_areas.py" />
   <source>The same as a page with bars.</source>
   <translation>Dasselbe als Seite mit Balken.</translation>
  </message>
  <message>
   <location filename="../processing/class_areas.py" />
   <source>Area of each class</source>
   <translation>Fläche jeder Klasse</translation>
  </message>
  <message>
   <location filename="../processing/class_areas.py" />
   <source>Tells how much ground each class of a land cover map covers.</source>
   <translation>Sagt, wie viel Boden jede Klasse einer Landbedeckungskarte bedeckt.</translation>
  </message>
  <message>
   <location filename="../processing/class_areas.py" />
   <source>Tells how much ground each class of a land cover map covers, for the whole map or for each polygon of a layer.

Areas are measured on the ellipsoid, so they are right in every CRS, Web Mercator and longitude and latitude included. A pixel counts where its centre lies in a zone; pixels without imagery do not count. Zones may overlap.</source>
   <translation>Sagt, wie viel Boden jede Klasse einer Landbedeckungskarte bedeckt, für die ganze Karte oder für jedes Polygon eines Layers.

Flächen werden auf dem Ellipsoid gemessen und stimmen deshalb in jedem KBS, auch in Web-Mercator und in Länge und Breite. Ein Pixel zählt zu einer Zone, wenn seine Mitte darin liegt; Pixel ohne Bild zählen nicht. Zonen dürfen sich überlappen.</translation>
  </message>
  <message>
   <location filename="../processing/class_areas.py" />
   <source>land cover,area,statistics,zonal,histogram,hectares</source>
   <translation>Landbedeckung,Fläche,Statistik,zonal,Histogramm,Hektar,land cover</translation>
  </message>
  <message>
   <location filename="../processing/class_areas.py" />
   <source>Land cover map</source>
   <translation>Landbedeckungskarte</translation>
  </message>
  <message>
   <location filename="../processing/class_areas.py" />
   <source>Zones</source>
   <translation>Zonen</translation>
  </message>
  <message>
   <location filename="../processing/class_areas.py" />
   <source>Name of the zones</source>
   <translation>Name der Zonen</translation>
  </message>
  <message>
   <location filename="../processing/class_areas.py" />
   <source>Areas</source>
   <translation>Flächen</translation>
  </message>
  <message>
   <location filename="../processing/class_areas.py" />
   <source>Report</source>
   <translation>Bericht</translation>
  </message>
  <message>
   <location filename="../processing/class_areas.py" />
   <source>HTML files (*.html)</source>
   <translation>HTML-Dateien (*.html)</translation>
  </message>
  <message>
   <location filename="../processing/class_areas.py" />
   <source>{} areas</source>
   <translation>{} Flächen</translation>
  </message>
  <message>
   <location filename="../processing/class_areas.py" />
   <source>{} is not a raster file; export it to a GeoTIFF first.</source>
   <translation>{} ist keine Rasterdatei; exportieren Sie den Layer zuerst in ein GeoTIFF.</translation>
  </message>
  <message>
   <location filename="../processing/class_areas.py" />
   <source>{} cannot be written ({}); choose another folder.</source>
   <translation>{} lässt sich nicht schreiben ({}); wählen Sie einen anderen Ordner.</translation>
  </message>
  <message>
   <location filename="../processing/class_areas.py" />
   <source>{} cannot be written; choose another place.</source>
   <translation>{} lässt sich nicht schreiben; wählen Sie einen anderen Ort.</translation>
  </message>
  <message>
   <location filename="../processing/classify.py" />
   <source>{} land cover</source>
   <translation>{} Landbedeckung</translation>
  </message>
  <message>
   <location filename="../processing/classify.py" />
   <source>{} class probabilities</source>
   <translation>{} Klassenwahrscheinlichkeiten</translation>
  </message>
  <message>
   <location filename="../processing/classify.py" />
   <source>{} confidence</source>
   <translation>{} Sicherheit</translation>
  </message>
  <message>
   <location filename="../processing/classify.py" />
   <source>The imagery to classify: a raster file, or a tile or map service (then choose an extent too).</source>
   <translation>Das Bild, das klassifiziert wird: eine Rasterdatei oder ein Kachel- oder Kartendienst (dann auch eine Ausdehnung wählen).</translation>
  </message>
  <message>
   <location filename="../processing/classify.py" />
   <source>The name of an installed model, or the folder of one. Left empty, the model that uses most of the imagery's bands is taken.</source>
   <translation>Der Name eines installierten Modells oder der Ordner eines Modells. Leer: das Modell, das die meisten Kanäle des Bildes nutzt.</translation>
  </message>
  <message>
   <location filename="../processing/classify.py" />
   <source>Only this part of the imagery is classified; all of it where left empty.</source>
   <translation>Nur dieser Teil des Bildes wird klassifiziert. Leer: das ganze Bild.</translation>
  </message>
  <message>
   <location filename="../processing/classify.py" />
   <source>Pixels whose centre lies in none of these polygons become NoData and are not computed.</source>
   <translation>Pixel, deren Mitte in keinem dieser Polygone liegt, werden zu Leerwerten und nicht berechnet.</translation>
  </message>
  <message>
   <location filename="../processing/classify.py" />
   <source>The map: a GeoTIFF of class numbers with legend, 255 where there is no imagery.</source>
   <translation>Die Karte: ein GeoTIFF von Klassennummern mit Legende, 255 wo kein Bild ist.</translation>
  </message>
  <message>
   <location filename="../processing/classify.py" />
   <source>A GeoTIFF with one band for each class: how probable the network holds it.</source>
   <translation>Ein GeoTIFF mit einem Kanal je Klasse: für wie wahrscheinlich das Netz sie hält.</translation>
  </message>
  <message>
   <location filename="../processing/classify.py" />
   <source>A GeoTIFF with the probability of the class that was chosen, 0 to 254 for 0 to 1.</source>
   <translation>Ein GeoTIFF mit der Wahrscheinlichkeit der gewählten Klasse, 0 bis 254 für 0 bis 1.</translation>
  </message>
  <message>
   <location filename="../processing/classify.py" />
   <source>Band numbers in the model's order, such as 4,1,2,3. Left empty, they are found by names, wavelengths, colours or their usual order; the log says which were taken.</source>
   <translation>Kanalnummern in der Reihenfolge des Modells, etwa 4,1,2,3. Leer: gefunden nach Namen, Wellenlängen, Farben oder üblicher Reihenfolge; das Protokoll sagt, welche es wurden.</translation>
  </message>
  <message>
   <location filename="../processing/classify.py" />
   <source>How much ground a pixel of the map covers; the nearest of 1, 2, 4 or 8 times the imagery's pixel is taken. Left empty, what suits the model best.</source>
   <translation>Wie viel Boden ein Pixel der Karte bedeckt; genommen wird das nächste vom 1-, 2-, 4- oder 8-Fachen eines Bildpixels. Leer: was am besten zum Modell passt.</translation>
  </message>
  <message>
   <location filename="../processing/classify.py" />
   <source>Imagery that is not 8 bit: values that count as darkest and brightest. Found out where left empty.</source>
   <translation>Für Bilder, die nicht 8 Bit haben: Werte, die als dunkelster und hellster gelten. Leer: werden ermittelt.</translation>
  </message>
  <message>
   <location filename="../processing/classify.py" />
   <source>uint8: 0 to 254 for 0 to 1, small files. float32: 0 to 1, four times as large.</source>
   <translation>uint8: 0 bis 254 für 0 bis 1, kleine Dateien. float32: 0 bis 1, viermal so groß.</translation>
  </message>
  <message>
   <location filename="../processing/classify.py" />
   <source>Cloud optimised GeoTIFF</source>
   <translation>Cloudoptimiertes GeoTIFF</translation>
  </message>
  <message>
   <location filename="../processing/classify.py" />
   <source>Writes files that web servers can serve in parts.</source>
   <translation>Schreibt Dateien, die Webserver in Teilen ausliefern können.</translation>
  </message>
  <message>
   <location filename="../processing/classify.py" />
   <source>Read the imagery's own overviews</source>
   <translation>Die Übersichten des Bildes lesen</translation>
  </message>
  <message>
   <location filename="../processing/classify.py" />
   <source>Faster where pixels are larger than the imagery's, but overviews are often of poor quality.</source>
   <translation>Schneller, wenn die Pixel größer als die des Bildes sind; Übersichten sind aber oft von schlechter Qualität.</translation>
  </message>
  <message>
   <location filename="../processing/classify.py" />
   <source>Start over</source>
   <translation>Von vorn beginnen</translation>
  </message>
  <message>
   <location filename="../processing/classify.py" />
   <source>Do not go on with an unfinished job of the same output file.</source>
   <translation>Einen unfertigen Auftrag derselben Ausgabedatei nicht fortsetzen.</translation>
  </message>
  <message>
   <location filename="../processing/classify.py" />
   <source>How many pictures of 256 pixels a tile or map service may be asked for. Many public services forbid mass downloads: read their terms before you allow more.</source>
   <translation>Wie viele Bilder von 256 Pixeln von einem Kachel- oder Kartendienst angefragt werden dürfen. Viele öffentliche Dienste verbieten Massenabrufe: vor dem Erhöhen die Bedingungen lesen.</translation>
  </message>
  <message>
   <location filename="../processing/classify.py" />
   <source>Where the network runs. auto: as the settings say, which is the fastest way this computer has unless you changed it. Others: onnxruntime:cpu, worker:, numpy:, or the address of a server such as http://server:8000.</source>
   <translation>Wo das Netz läuft. auto: wie in den Einstellungen, also auf dem schnellsten Weg dieses Computers, wenn dort nichts geändert wurde. Sonst: onnxruntime:cpu, worker:, numpy: oder die Adresse eines Servers, etwa http://server:8000.</translation>
  </message>
  <message>
   <location filename="../processing/classify.py" />
   <source>Classify land cover</source>
   <translation>Landbedeckung klassifizieren</translation>
  </message>
  <message>
   <location filename="../processing/classify.py" />
   <source>Makes a land cover map from aerial or satellite imagery with a neural network.</source>
   <translation>Macht aus Luft- oder Satellitenbildern mit einem neuronalen Netz eine Landbedeckungskarte.</translation>
  </message>
  <message>
   <location filename="../processing/classify.py" />
   <source>Makes a land cover map from aerial or satellite imagery with a neural network.

Choose the imagery and press Run: a model that fits its bands is chosen, the bands are found by their names, wavelengths or colours, and the map is loaded with its legend. The log says what was chosen and ends with the area of each class.

The map has the pixels of the imagery where their size on the ground suits the model, else pixels 2, 4 or 8 times as large. Pixels without imagery hold 255.

A job that is cancelled or breaks off goes on where it stopped when it is run again with the same output file.</source>
   <translation>Macht aus Luft- oder Satellitenbildern mit einem neuronalen Netz eine Landbedeckungskarte.

Bild wählen und „Starten“ drücken genügt: Ein zu den Kanälen passendes Modell wird gewählt, die Kanäle werden nach Namen, Wellenlängen oder Farben gefunden, und die Karte wird mit ihrer Legende geladen. Das Protokoll sagt, was gewählt wurde, und endet mit der Fläche jeder Klasse.

Die Karte hat die Pixel des Bildes, wenn deren Größe am Boden zum Modell passt, sonst 2-, 4- oder 8-mal so große. Pixel ohne Bild haben den Wert 255.

Ein Auftrag, der abgebrochen wurde oder abbrach, geht dort weiter, wo er aufhörte, wenn er mit derselben Ausgabedatei wieder gestartet wird.</translation>
  </message>
  <message>
   <location filename="../processing/classify.py" />
   <source>land cover,land use,classification,segmentation,deep learning,neural network,aerial,NAIP</source>
   <translation>Landbedeckung,Landnutzung,Klassifikation,Klassifizierung,Segmentierung,Deep Learning,neuronales Netz,Luftbild,NAIP,land cover</translation>
  </message>
  <message>
   <location filename="../processing/classify.py" />
   <source>The imagery is missing; choose a layer.</source>
   <translation>Das Bild fehlt; wählen Sie einen Layer.</translation>
  </message>
  <message>
   <location filename="../processing/classify.py" />
   <source>The map has no place to go; give the output a file name.</source>
   <translation>Die Karte hat keinen Ort; geben Sie der Ausgabe einen Dateinamen.</translation>
  </message>
  <message>
   <location filename="../processing/classify.py" />
   <source>The value range needs both ends; give the darkest and the brightest value.</source>
   <translation>Der Wertebereich braucht beide Enden; geben Sie den dunkelsten und den hellsten Wert an.</translation>
  </message>
  <message>
   <location filename="../processing/classify.py" />
   <source>{} is not a raster layer; choose one.</source>
   <translation>{} ist kein Rasterlayer; wählen Sie einen.</translation>
  </message>
  <message>
   <location filename="../processing/classify.py" />
   <source>The imagery</source>
   <translation>Das Bild</translation>
  </message>
  <message>
   <location filename="../processing/classify.py" />
   <source>Extent</source>
   <translation>Ausdehnung</translation>
  </message>
  <message>
   <location filename="../processing/classify.py" />
   <source>Only inside polygons of</source>
   <translation>Nur in Polygonen von</translation>
  </message>
  <message>
   <location filename="../processing/classify.py" />
   <source>Class probabilities</source>
   <translation>Klassenwahrscheinlichkeiten</translation>
  </message>
  <message>
   <location filename="../processing/classify.py" />
   <source>Pixel size on the ground (metres)</source>
   <translation>Pixelgröße am Boden (Meter)</translation>
  </message>
  <message>
   <location filename="../processing/classify.py" />
   <source>Imagery values for dark and bright</source>
   <translation>Bildwerte für dunkel und hell</translation>
  </message>
  <message>
   <location filename="../processing/classify.py" />
   <source>Class probabilities as</source>
   <translation>Klassenwahrscheinlichkeiten als</translation>
  </message>
  <message>
   <location filename="../processing/classify.py" />
   <source>Largest number of requests</source>
   <translation>Höchstzahl der Anfragen</translation>
  </message>
  <message>
   <location filename="../processing/classify.py" />
   <source>Model: {}</source>
   <translation>Modell: {}</translation>
  </message>
  <message>
   <location filename="../processing/classify.py" />
   <source>The job would ask {} for about {} pictures but {} are allowed; choose a smaller extent, or allow more under Largest number of requests.</source>
   <translation>Der Auftrag würde bei {} etwa {} Bilder anfragen, aber {} sind erlaubt; wählen Sie eine kleinere Ausdehnung, oder erlauben Sie mehr unter „Höchstzahl der Anfragen“.</translation>
  </message>
  <message>
   <location filename="../processing/classify.py" />
   <source>The value range {} to {} is empty; give the lower value first.</source>
   <translation>Der Wertebereich {} bis {} ist leer; geben Sie den kleineren Wert zuerst an.</translation>
  </message>
  <message>
   <location filename="../processing/classify.py" />
   <source>{} will be asked for about {} pictures.</source>
   <translation>Bei {} werden etwa {} Bilder angefragt.</translation>
  </message>
  <message>
   <location filename="../processing/classify.py" />
   <source>Runs on: {}</source>
   <translation>Läuft auf: {}</translation>
  </message>
  <message>
   <location filename="../processing/import_model.py" />
   <source>An ONNX file, an Esri model definition (.emd) or a CNTK 2 model.</source>
   <translation>Eine ONNX-Datei, eine Esri-Modelldefinition (.emd) oder ein CNTK-2-Modell.</translation>
  </message>
  <message>
   <location filename="../processing/import_model.py" />
   <source>Letters, digits, dots, - and _. Left empty, the file's name.</source>
   <translation>Buchstaben, Ziffern, Punkte, - und _. Leer: der Name der Datei.</translation>
  </message>
  <message>
   <location filename="../processing/import_model.py" />
   <source>What the file does not say or says wrongly, one KEY=VALUE a line, such as pixel_size_m=0.5 or title=Coastal land cover.</source>
   <translation>Was die Datei nicht oder falsch sagt, je Zeile ein SCHLÜSSEL=WERT, etwa pixel_size_m=0.5 oder title=Landbedeckung der Küste.</translation>
  </message>
  <message>
   <location filename="../processing/import_model.py" />
   <source>Side of the picture that the network gets at once, for models whose result depends on it; 256 gives the land cover model of 2018 the window of its authors.</source>
   <translation>Seitenlänge des Bildes, das das Netz auf einmal bekommt, für Modelle, deren Ergebnis davon abhängt; 256 gibt dem Landbedeckungsmodell von 2018 das Fenster seiner Autoren.</translation>
  </message>
  <message>
   <location filename="../processing/import_model.py" />
   <source>Where the folder of the model is made. Left empty, among the installed models, where every algorithm finds it by its name.</source>
   <translation>Wo der Ordner des Modells angelegt wird. Leer: bei den installierten Modellen, wo jeder Algorithmus es unter seinem Namen findet.</translation>
  </message>
  <message>
   <location filename="../processing/import_model.py" />
   <source>Import a model</source>
   <translation>Modell importieren</translation>
  </message>
  <message>
   <location filename="../processing/import_model.py" />
   <source>Makes a model of this plugin from an ONNX, Esri .emd or CNTK file.</source>
   <translation>Macht aus einer ONNX-, Esri-.emd- oder CNTK-Datei ein Modell dieser Erweiterung.</translation>
  </message>
  <message>
   <location filename="../processing/import_model.py" />
   <source>Makes a model of this plugin from a file of another program: ONNX (with the keys that the Deepness plugin writes, or without any), Esri model definitions (.emd) that name an ONNX or CNTK file, and CNTK 2 files such as the land cover model of 2018.

The model is checked and put into the models folder, where every algorithm finds it by its name. Nothing in a model file is executed but its network.</source>
   <translation>Macht aus der Datei eines anderen Programms ein Modell dieser Erweiterung: ONNX (mit den Schlüsseln, die die Erweiterung Deepness schreibt, oder ohne), Esri-Modelldefinitionen (.emd), die eine ONNX- oder CNTK-Datei nennen, und CNTK-2-Dateien wie das Landbedeckungsmodell von 2018.

Das Modell wird geprüft und in den Modellordner gelegt, wo jeder Algorithmus es unter seinem Namen findet. Aus einer Modelldatei wird nichts ausgeführt als ihr Netz.</translation>
  </message>
  <message>
   <location filename="../processing/import_model.py" />
   <source>land cover,model,neural network,ONNX,Deepness,Esri,emd,CNTK,Chesapeake</source>
   <translation>Landbedeckung,Modell,neuronales Netz,ONNX,Deepness,Esri,emd,CNTK,Chesapeake,land cover</translation>
  </message>
  <message>
   <location filename="../processing/import_model.py" />
   <source>Model file</source>
   <translation>Modelldatei</translation>
  </message>
  <message>
   <location filename="../processing/import_model.py" />
   <source>Name of the model</source>
   <translation>Name des Modells</translation>
  </message>
  <message>
   <location filename="../processing/import_model.py" />
   <source>Corrections</source>
   <translation>Berichtigungen</translation>
  </message>
  <message>
   <location filename="../processing/import_model.py" />
   <source>Window of the network (pixels)</source>
   <translation>Fenster des Netzes (Pixel)</translation>
  </message>
  <message>
   <location filename="../processing/import_model.py" />
   <source>Folder of models</source>
   <translation>Ordner der Modelle</translation>
  </message>
  <message>
   <location filename="../processing/import_model.py" />
   <source>Folder of the model</source>
   <translation>Ordner des Modells</translation>
  </message>
  <message>
   <location filename="../processing/import_model.py" />
   <source>Model, as other algorithms take it</source>
   <translation>Modell, wie andere Algorithmen es annehmen</translation>
  </message>
  <message>
   <location filename="../processing/import_model.py" />
   <source>The correction '{}' must be KEY=VALUE.</source>
   <translation>Die Berichtigung „{}“ muss SCHLÜSSEL=WERT sein.</translation>
  </message>
  <message>
   <location filename="../processing/model_choice.py" />
   <source>No model here fits imagery of so few bands ({}); import one with the algorithm Import model, or name one.</source>
   <translation>Kein Modell hier passt zu Bildern mit so wenigen Kanälen ({}); importieren Sie eines mit „Modell importieren“, oder nennen Sie eines.</translation>
  </message>
  <message>
   <location filename="../processing/model_info.py" />
   <source>The name of an installed model, or the folder of one.</source>
   <translation>Der Name eines installierten Modells oder der Ordner eines Modells.</translation>
  </message>
  <message>
   <location filename="../processing/model_info.py" />
   <source>The description as a page; the log has it as text.</source>
   <translation>Die Beschreibung als Seite; im Protokoll steht sie als Text.</translation>
  </message>
  <message>
   <location filename="../processing/model_info.py" />
   <source>Name</source>
   <translation>Name</translation>
  </message>
  <message>
   <location filename="../processing/model_info.py" />
   <source>Reads</source>
   <translation>Liest</translation>
  </message>
  <message>
   <location filename="../processing/model_info.py" />
   <source>Ground resolution</source>
   <translation>Bodenauflösung</translation>
  </message>
  <message>
   <location filename="../processing/model_info.py" />
   <source>Licence</source>
   <translation>Lizenz</translation>
  </message>
  <message>
   <location filename="../processing/model_info.py" />
   <source>Citation</source>
   <translation>Zitat</translation>
  </message>
  <message>
   <location filename="../processing/model_info.py" />
   <source>Folder</source>
   <translation>Ordner</translation>
  </message>
  <message>
   <location filename="../processing/model_info.py" />
   <source>Describe a model</source>
   <translation>Modell beschreiben</translation>
  </message>
  <message>
   <location filename="../processing/model_info.py" />
   <source>Tells what a land cover model reads, which classes it knows and where it comes from.</source>
   <translation>Sagt, was ein Landbedeckungsmodell liest, welche Klassen es kennt und woher es kommt.</translation>
  </message>
  <message>
   <location filename="../processing/model_info.py" />
   <source>Tells what a land cover model reads, which classes it knows, for which ground resolution it was made, how well it did where it was measured, and its licence.</source>
   <translation>Sagt, was ein Landbedeckungsmodell liest, welche Klassen es kennt, für welche Bodenauflösung es gemacht ist, wie gut es dort war, wo es gemessen wurde, und welche Lizenz es hat.</translation>
  </message>
  <message>
   <location filename="../processing/model_info.py" />
   <source>land cover,model,neural network,legend,classes,licence</source>
   <translation>Landbedeckung,Modell,neuronales Netz,Legende,Klassen,Lizenz,land cover</translation>
  </message>
  <message>
   <location filename="../processing/model_info.py" />
   <source>Description</source>
   <translation>Beschreibung</translation>
  </message>
  <message>
   <location filename="../processing/model_info.py" />
   <source>Number of bands that it reads</source>
   <translation>Zahl der Kanäle, die es liest</translation>
  </message>
  <message>
   <location filename="../processing/model_info.py" />
   <source>Number of classes</source>
   <translation>Zahl der Klassen</translation>
  </message>
  <message>
   <location filename="../processing/model_info.py" />
   <source>Classes</source>
   <translation>Klassen</translation>
  </message>
  <message>
   <location filename="../processing/model_info.py" />
   <source>version</source>
   <translation>Version</translation>
  </message>
  <message>
   <location filename="../processing/model_info.py" />
   <source>best {} m, from {} to {} m</source>
   <translation>am besten {} m, von {} bis {} m</translation>
  </message>
  <message>
   <location filename="../processing/model_widget.py" />
   <source>Choose the folder of a model</source>
   <translation>Ordner eines Modells wählen</translation>
  </message>
  <message>
   <location filename="../processing/model_widget.py" />
   <source>Folder of a model</source>
   <translation>Ordner eines Modells</translation>
  </message>
  <message>
   <location filename="../processing/model_widget.py" />
   <source>The one that fits the imagery</source>
   <translation>Das zum Bild passende</translation>
  </message>
  <message>
   <location filename="../processing/polygons.py" />
   <source>{} holds no polygons; choose another layer.</source>
   <translation>{} enthält keine Polygone; wählen Sie einen anderen Layer.</translation>
  </message>
  <message>
   <location filename="../processing/provider.py" />
   <source>Land cover from imagery</source>
   <translation>Landbedeckung aus Bildern</translation>
  </message>
  <message>
   <location filename="../sign_in.py" />
   <source>The authentication configuration '{}' is not in QGIS' database; choose another in the settings.</source>
   <translation>Die Authentifizierungskonfiguration „{}“ ist nicht in der Datenbank von QGIS; wählen Sie in den Einstellungen eine andere.</translation>
  </message>
  <message>
   <location filename="../sign_in.py" />
   <source>Authentication by '{}' is not possible here, for a certificate's key would have to be written to disk; choose a configuration with a password, a header or OAuth2.</source>
   <translation>Authentifizierung mit „{}“ ist hier nicht möglich, weil der Schlüssel eines Zertifikats auf die Platte geschrieben werden müsste; wählen Sie eine Konfiguration mit Passwort, Header oder OAuth2.</translation>
  </message>
  <message>
   <location filename="../sign_in.py" />
   <source>QGIS does not give the authentication configuration '{}'; enter the master password and check it in the settings.</source>
   <translation>QGIS gibt die Authentifizierungskonfiguration „{}“ nicht heraus; geben Sie das Hauptpasswort ein und prüfen Sie sie in den Einstellungen.</translation>
  </message>
 </context>
</TS>
