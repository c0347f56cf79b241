"""What the browser gets beside Streamlit's own files: headers, language, style, and the script that runs first."""
