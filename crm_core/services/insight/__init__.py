"""The figures of dashboards and reports: one question, answered in boards of figures and charts, whoever draws them."""
