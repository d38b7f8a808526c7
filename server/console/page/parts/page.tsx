/** A page of the console, with what went wrong at its head. */
import type { ComponentChildren } from 'preact'

interface Properties {
  /** Why what the page shows is not up to date. */
  error: string | undefined
  children: ComponentChildren
}

export function Page({ error, children }: Properties) {
  return (
    <div class="page">
      {error !== undefined && (
        <p class="banner" role="alert">
          {error}
        </p>
      )}
      {children}
    </div>
  )
}
