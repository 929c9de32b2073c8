from fastapi import FastAPI

app = FastAPI()


@app.get("/")
def root():
    return {"message": "Hello"}


# Your API starts here. The task of each stage is a page of the guide: docs/build-your-own/README.md.
