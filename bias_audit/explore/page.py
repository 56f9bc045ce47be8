"""The script that Streamlit runs for every visitor, and again whenever something changes."""

from bias_audit.explore.layout import show

show()
