"""The joins: settings, probes, data sets and a model in; an audit out."""
