"""The whole API in one file: FastAPI with psycopg, bcrypt and PyJWT, all from Debian's packages."""

import hashlib
import os
import secrets
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Optional

import bcrypt
import jwt
import psycopg
from fastapi import Depends, FastAPI, Form, HTTPException, Path as PathParameter, Query, Request, Response, status
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool
from pydantic import BaseModel, EmailStr, StrictBool, StrictInt, constr

SECRET = os.environ["JWT_SECRET"]
ORIGIN = os.environ.get("ORIGIN")
MAX_INTEGER = 2_147_483_647
MAX_BODY_BYTES = 1_048_576
MAX_FAILED_LOGINS = 10
UNKNOWN_USER_HASH = bcrypt.hashpw(secrets.token_hex(16).encode(), bcrypt.gensalt(10))
POSTS = "SELECT posts.*, (SELECT count(*) FROM votes WHERE post_id = posts.id) AS votes FROM posts"

pool = ConnectionPool(os.environ["DATABASE_URL"], kwargs={"row_factory": dict_row})
with pool.connection() as connection:
    connection.execute(Path(__file__).parent.parent.joinpath("tables.sql").read_text())

app = FastAPI()
if ORIGIN:
    app.add_middleware(
        CORSMiddleware,
        allow_origins=[ORIGIN],
        allow_methods=["GET", "POST", "PUT", "DELETE"],
        allow_headers=["authorization", "content-type"],
    )


class StorableText(str):
    """Text that Postgres can store: no NUL, no half of a surrogate pair."""

    @classmethod
    def __get_validators__(cls):
        yield cls.validate

    @classmethod
    def validate(cls, value):
        if not isinstance(value, str) or not 1 <= len(value) <= 20_000 or "\0" in value:
            raise ValueError("expected text")
        value.encode()
        return value


class UserIn(BaseModel):
    email: EmailStr
    password: constr(min_length=8, max_length=72)


class PostIn(BaseModel):
    title: StorableText
    content: StorableText
    published: StrictBool = True


class Vote(BaseModel):
    post_id: StrictInt
    dir: StrictInt


class RefreshIn(BaseModel):
    refresh_token: str


@app.middleware("http")
async def limit_body(request: Request, call_next):
    if int(request.headers.get("content-length") or 0) > MAX_BODY_BYTES:
        return JSONResponse({"detail": "Too large"}, status.HTTP_413_REQUEST_ENTITY_TOO_LARGE)
    try:
        return await call_next(request)
    except RecursionError:
        return JSONResponse({"detail": "Nested too deeply"}, status.HTTP_422_UNPROCESSABLE_ENTITY)


@app.exception_handler(RequestValidationError)
def on_invalid(_request: Request, error: RequestValidationError):
    # the errors without the rejected input: it may be a password
    errors = [{"loc": each["loc"], "msg": each["msg"]} for each in error.errors()]
    return JSONResponse({"detail": errors}, status.HTTP_422_UNPROCESSABLE_ENTITY)


def get_db():
    with pool.connection() as db:
        yield db


def get_user_id(credentials: Optional[HTTPAuthorizationCredentials] = Depends(HTTPBearer(auto_error=False))) -> int:
    try:
        options = {"require": ["exp", "sub"]}
        return int(jwt.decode(credentials.credentials, SECRET, algorithms=["HS256"], options=options)["sub"])
    except (AttributeError, jwt.PyJWTError, ValueError):
        raise HTTPException(401, "Not authenticated", {"WWW-Authenticate": "Bearer"})


def issue_tokens(db, user_id: int):
    expires_at = datetime.now(timezone.utc) + timedelta(minutes=30)
    refresh_token = secrets.token_urlsafe(32)
    db.execute(
        "INSERT INTO refresh_tokens VALUES (%s, %s, now() + interval '30 days')", [digest(refresh_token), user_id]
    )
    db.commit()
    access_token = jwt.encode({"sub": str(user_id), "exp": expires_at}, SECRET, algorithm="HS256")
    return {"access_token": access_token, "token_type": "bearer", "refresh_token": refresh_token}


def digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


@app.get("/")
def root():
    return {"message": "Hello"}


@app.post("/users", status_code=201)
def sign_up(user: UserIn, db=Depends(get_db)):
    password = user.password.encode(errors="replace")
    if len(password) > 72:
        raise HTTPException(422, "The password is too long")
    hashed = bcrypt.hashpw(password, bcrypt.gensalt(10)).decode()
    row = db.execute(
        "INSERT INTO users (email, password) VALUES (%s, %s) ON CONFLICT DO NOTHING RETURNING id, email, created_at",
        [user.email, hashed],
    ).fetchone()
    if row is None:
        raise HTTPException(409, "The email is taken")
    db.commit()
    return row


@app.get("/users/{id}")
def get_user(id: int = PathParameter(ge=1, le=MAX_INTEGER), db=Depends(get_db), _caller: int = Depends(get_user_id)):
    row = db.execute("SELECT id, email, created_at FROM users WHERE id = %s", [id]).fetchone()
    if row is None:
        raise HTTPException(404, "No such user")
    return row


@app.post("/login")
def log_in(username: str = Form(), password: str = Form(), db=Depends(get_db)):
    failed = db.execute(
        "SELECT count(*) FROM failed_logins WHERE email = %s AND failed_at > now() - interval '5 minutes'", [username]
    ).fetchone()
    if failed["count"] >= MAX_FAILED_LOGINS:
        raise HTTPException(429, "Too many attempts", {"Retry-After": "60"})
    user = db.execute("SELECT id, password FROM users WHERE email = %s", [username]).fetchone()
    hashed = user["password"].encode() if user else UNKNOWN_USER_HASH
    is_right = bcrypt.checkpw(password.encode(errors="replace")[:72], hashed)
    if user is None or not is_right:
        db.execute("INSERT INTO failed_logins (email) VALUES (%s)", [username])
        db.commit()
        raise HTTPException(403, "Invalid Credentials")
    return issue_tokens(db, user["id"])


@app.post("/token/refresh")
def refresh(body: RefreshIn, db=Depends(get_db)):
    row = db.execute(
        "DELETE FROM refresh_tokens WHERE digest = %s AND expires_at > now() RETURNING user_id",
        [digest(body.refresh_token)],
    ).fetchone()
    if row is None:
        raise HTTPException(401, "Unknown refresh token")
    return issue_tokens(db, row["user_id"])


@app.get("/posts")
def list_posts(
    limit: int = Query(10, ge=1, le=100),
    skip: int = Query(0, ge=0, le=MAX_INTEGER),
    search: str = "",
    db=Depends(get_db),
    _caller: int = Depends(get_user_id),
):
    if "\0" in search:
        raise HTTPException(422, "NUL")
    return db.execute(
        f"{POSTS} WHERE strpos(title, %s) > 0 OR %s = '' ORDER BY id LIMIT %s OFFSET %s", [search, search, limit, skip]
    ).fetchall()


@app.post("/posts", status_code=201)
def create_post(post: PostIn, db=Depends(get_db), caller: int = Depends(get_user_id)):
    row = db.execute(
        "INSERT INTO posts (title, content, published, owner_id) VALUES (%s, %s, %s, %s) RETURNING *",
        [post.title, post.content, post.published, caller],
    ).fetchone()
    db.commit()
    return row


@app.get("/posts/{id}")
def get_post(id: int = PathParameter(ge=1, le=MAX_INTEGER), db=Depends(get_db), _caller: int = Depends(get_user_id)):
    row = db.execute(f"{POSTS} WHERE id = %s", [id]).fetchone()
    if row is None:
        raise HTTPException(404, "No such post")
    return row


@app.put("/posts/{id}")
def edit_post(
    post: PostIn, id: int = PathParameter(ge=1, le=MAX_INTEGER), db=Depends(get_db), caller: int = Depends(get_user_id)
):
    row = db.execute(
        "UPDATE posts SET title = %s, content = %s, published = %s WHERE id = %s AND owner_id = %s RETURNING *",
        [post.title, post.content, post.published, id, caller],
    ).fetchone()
    if row is None:
        refuse_change(db, id)
    db.commit()
    return row


@app.delete("/posts/{id}", status_code=204)
def delete_post(id: int = PathParameter(ge=1, le=MAX_INTEGER), db=Depends(get_db), caller: int = Depends(get_user_id)):
    row = db.execute("DELETE FROM posts WHERE id = %s AND owner_id = %s RETURNING id", [id, caller]).fetchone()
    if row is None:
        refuse_change(db, id)
    db.commit()
    return Response(status_code=204)


def refuse_change(db, id: int):
    if db.execute("SELECT id FROM posts WHERE id = %s", [id]).fetchone() is None:
        raise HTTPException(404, "No such post")
    raise HTTPException(403, "Not the owner")


@app.post("/vote", status_code=201)
def vote(vote: Vote, db=Depends(get_db), caller: int = Depends(get_user_id)):
    if vote.dir not in (0, 1) or not 1 <= vote.post_id <= MAX_INTEGER:
        raise HTTPException(422, "dir must be 0 or 1")
    if db.execute("SELECT id FROM posts WHERE id = %s FOR KEY SHARE", [vote.post_id]).fetchone() is None:
        raise HTTPException(404, "No such post")
    if vote.dir == 1:
        statement = "INSERT INTO votes VALUES (%s, %s) ON CONFLICT DO NOTHING RETURNING post_id"
    else:
        statement = "DELETE FROM votes WHERE user_id = %s AND post_id = %s RETURNING post_id"
    if db.execute(statement, [caller, vote.post_id]).fetchone() is None:
        raise HTTPException(409 if vote.dir == 1 else 404, "Voted already" if vote.dir == 1 else "No vote")
    db.commit()
    return {"message": "added" if vote.dir == 1 else "taken back"}
