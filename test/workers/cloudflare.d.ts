/** What database.ts uses of the runtime. The runtime's own types would replace those of Node and the DOM everywhere. */
declare module 'cloudflare:workers' {
  export class DurableObject<Environment> {
    protected readonly env: Environment
    protected readonly ctx: {
      readonly storage: import('pglite-imports-server/workers').ObjectStorage
      abort(): void
    }
    fetch(request: Request): Promise<Response>
  }
}

interface DurableObjectNamespace<_Object> {
  idFromName(name: string): object
  get(id: object): { fetch(request: Request): Promise<Response> }
}
