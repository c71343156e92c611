"""Names that attack the page. Apart from the application: to import that one is to instrument the process."""

HOSTILE = "<img src=x onerror=\"document.title='taken'\"> & <b>bold</b>"
HOSTILE_ERROR = "<script>document.title='taken'</script>"
