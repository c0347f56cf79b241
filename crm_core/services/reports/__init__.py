"""报表: the boards of the dashboards as an Excel workbook or a PDF, built beside the requests, by hand or by a schedule."""
