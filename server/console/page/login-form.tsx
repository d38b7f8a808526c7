/** Asks for role, password and database, where pg_hba.conf does not let the page in without. */
import { useEffect, useRef } from 'preact/hooks'
import { identity, logIn, loginMessage, proposed } from './state.js'

/** @param message why the last login has failed; '' if there is nothing to say */
export function LoginForm({ message }: { message: string }) {
  const { user, database } = proposed.value
  const password = useRef<HTMLInputElement>(null)
  useEffect(() => password.current?.focus(), [])
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    const data = new FormData(event.currentTarget as HTMLFormElement)
    const field = (name: string) => String(data.get(name) ?? '')
    void logIn({ user: field('user'), database: field('database'), password: field('password') })
  }
  return (
    <main class="login">
      <h1>PostgreSQL console</h1>
      <form onSubmit={submit} aria-label="Log in">
        <label>
          User <input name="user" required autocomplete="username" value={user} />
        </label>
        <label>
          Password <input name="password" type="password" autocomplete="current-password" ref={password} />
        </label>
        <label>
          Database <input name="database" required value={database} />
        </label>
        {message !== '' && (
          <p class="report error" role="alert">
            {message}
          </p>
        )}
        <div class="buttons">
          <button type="submit" class="primary">
            Log in
          </button>
          {identity.value !== undefined && (
            <button
              type="button"
              onClick={() => {
                loginMessage.value = undefined
              }}
            >
              Back
            </button>
          )}
        </div>
      </form>
    </main>
  )
}
