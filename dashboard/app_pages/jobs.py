"""Jobs: everything under way or done; it goes on when the browser closes and after a restart."""

import streamlit as st

from dashboard.components import job_list

st.title("Jobs", anchor=False)
st.caption("Work goes on when you close this page, and takes itself up again after a restart.")
job_list.show()
