"""Reports: one self-contained HTML file for each run, which asks the network for nothing."""

from gatewise.report.classes import ClassReport, class_page, write_class_report
from gatewise.report.forecast import forecast_page, write_forecast_report
from gatewise.report.language import LanguageReport, language_page, write_language_report
from gatewise.report.run import ForecastReport
from gatewise.report.tags import TagReport, tag_page, write_tag_report
from gatewise.report.translation import (
    TranslationReport,
    translation_page,
    write_translation_report,
)

__all__ = [
    "ClassReport",
    "ForecastReport",
    "LanguageReport",
    "TagReport",
    "TranslationReport",
    "class_page",
    "forecast_page",
    "language_page",
    "tag_page",
    "translation_page",
    "write_class_report",
    "write_forecast_report",
    "write_language_report",
    "write_tag_report",
    "write_translation_report",
]
