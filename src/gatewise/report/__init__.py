"""Reports: one self-contained HTML file for each run, which asks the network for nothing."""

from gatewise.report.forecast import forecast_page, write_forecast_report
from gatewise.report.run import ForecastReport

__all__ = ["ForecastReport", "forecast_page", "write_forecast_report"]
