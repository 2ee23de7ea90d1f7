"""`assay gate …`"""
