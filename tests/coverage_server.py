"""What a Web Coverage Service (WCS 1.0.0) answers: one coverage of four bands whose pixels are known."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from tests.image_server import HEIGHT, PIXEL, WIDTH, XMIN, YMAX, geotiff, ground

XMAX, YMIN = XMIN + WIDTH * PIXEL, YMAX - HEIGHT * PIXEL


def answer(path: str) -> tuple[str, bytes]:
    """Content type and body."""
    query = {k.upper(): v[0] for k, v in parse_qs(urlsplit(path).query).items()}
    manner = urlsplit(path).path.strip("/").split("/")[0]
    request = query.get("REQUEST", "")
    if request == "GetCapabilities":
        return "text/xml", _CAPABILITIES.replace("MANNER", manner).encode()
    if request == "DescribeCoverage":
        return "text/xml", _DESCRIPTION.encode()
    xmin, ymin, xmax, ymax = (float(v) for v in query["BBOX"].split(","))
    width, height = int(query["WIDTH"]), int(query["HEIGHT"])
    step = (xmax - xmin) / width
    stride = max(1, round(step / PIXEL))
    row, col = round((YMAX - ymax) / PIXEL), round((xmin - XMIN) / PIXEL)
    values = ground(row, col, height, width, step=stride)
    return "image/tiff", geotiff(values, (xmin, ymin, xmax, ymax), False)


_PLACE = f"""<gml:pos>{XMIN} {YMIN}</gml:pos><gml:pos>{XMAX} {YMAX}</gml:pos>"""

_LONLAT = """<lonLatEnvelope srsName="urn:ogc:def:crs:OGC:1.3:CRS84">
<gml:pos>-76.357 38.685</gml:pos><gml:pos>-76.177 38.797</gml:pos></lonLatEnvelope>"""

_HEAD = """xmlns="http://www.opengis.net/wcs" xmlns:xlink="http://www.w3.org/1999/xlink" \
xmlns:gml="http://www.opengis.net/gml" version="1.0.0\""""

_CAPABILITIES = f"""<?xml version="1.0" encoding="UTF-8"?>
<WCS_Capabilities {_HEAD}>
<Service><name>fields</name><label>Fields</label><fees>NONE</fees><accessConstraints>NONE</accessConstraints></Service>
<Capability><Request>
<GetCapabilities><DCPType><HTTP><Get><OnlineResource xlink:href="URL/MANNER/wcs?"/></Get></HTTP></DCPType></GetCapabilities>
<DescribeCoverage><DCPType><HTTP><Get><OnlineResource xlink:href="URL/MANNER/wcs?"/></Get></HTTP></DCPType></DescribeCoverage>
<GetCoverage><DCPType><HTTP><Get><OnlineResource xlink:href="URL/MANNER/wcs?"/></Get></HTTP></DCPType></GetCoverage>
</Request><Exception><Format>application/vnd.ogc.se_xml</Format></Exception></Capability>
<ContentMetadata><CoverageOfferingBrief><name>fields</name><label>Fields</label>{_LONLAT}</CoverageOfferingBrief></ContentMetadata>
</WCS_Capabilities>
"""

_DESCRIPTION = f"""<?xml version="1.0" encoding="UTF-8"?>
<CoverageDescription {_HEAD}>
<CoverageOffering><name>fields</name><label>Fields</label>{_LONLAT}
<domainSet><spatialDomain>
<gml:Envelope srsName="EPSG:3857">{_PLACE}</gml:Envelope>
<gml:RectifiedGrid dimension="2"><gml:limits><gml:GridEnvelope>
<gml:low>0 0</gml:low><gml:high>{WIDTH - 1} {HEIGHT - 1}</gml:high></gml:GridEnvelope></gml:limits>
<gml:axisName>x</gml:axisName><gml:axisName>y</gml:axisName>
<gml:origin><gml:pos>{XMIN + PIXEL / 2} {YMAX - PIXEL / 2}</gml:pos></gml:origin>
<gml:offsetVector>{PIXEL} 0</gml:offsetVector><gml:offsetVector>0 -{PIXEL}</gml:offsetVector></gml:RectifiedGrid>
</spatialDomain></domainSet>
<rangeSet><RangeSet><name>bands</name><label>bands</label><axisDescription><AxisDescription><name>band</name><label>band</label>
<values><interval><min>1</min><max>4</max></interval></values></AxisDescription></axisDescription></RangeSet></rangeSet>
<supportedCRSs><requestResponseCRSs>EPSG:3857</requestResponseCRSs><nativeCRSs>EPSG:3857</nativeCRSs></supportedCRSs>
<supportedFormats nativeFormat="GeoTIFF"><formats>GeoTIFF</formats></supportedFormats>
<supportedInterpolations default="nearest neighbor"><interpolationMethod>nearest neighbor</interpolationMethod></supportedInterpolations>
</CoverageOffering></CoverageDescription>
"""
