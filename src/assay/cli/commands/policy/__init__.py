"""`assay policy …`"""
