/** The commands on images. */
import type { CommandEntry } from './commands.ts';

export const imageCommands: Readonly<Record<string, CommandEntry>> = {
  pull: {
    usage: 'pull [-q] [--creds USER:PASSWORD] [--node N] [REGISTRY/]NAME[:TAG][@DIGEST]',
    summary: 'bring an image from its registry to the nodes',
    group: 'images',
    load: () => import('./commands/pull.ts'),
  },
  push: {
    usage: 'push [-q] [--creds USER:PASSWORD] [--node N] [REGISTRY/]NAME[:TAG]',
    summary: 'send an image to the registry its name says',
    group: 'images',
    load: () => import('./commands/push.ts'),
  },
  images: {
    usage:
      'images [-q] [--digests] [--no-trunc] [-f FILTER]… [--format FORMAT] [--node N] [NAME[:TAG]]',
    summary: 'list images',
    group: 'images',
    load: () => import('./commands/images.ts'),
  },
  search: {
    usage:
      'search [--limit N] [-f FILTER]… [--format FORMAT] [--no-trunc] [--creds USER:PASSWORD] [--node N] [REGISTRY/]WORD',
    summary: 'look for images in a registry',
    group: 'images',
    load: () => import('./commands/search.ts'),
  },
  tag: {
    usage: 'tag [--node N] SOURCE TARGET',
    summary: 'give an image another name',
    group: 'images',
    load: () => import('./commands/tag.ts'),
  },
  rmi: {
    usage: 'rmi [-f] [--node N] IMAGE…',
    summary: 'take names away from images; what nobody names is removed',
    group: 'images',
    load: () => import('./commands/rmi.ts'),
  },
  system: {
    usage: 'system df | system prune [-a] [-f] [--filter until=24h] [--node N]',
    summary: "show what the nodes' disks are used for, remove what nobody uses",
    group: 'images',
    load: () => import('./commands/system.ts'),
  },
  login: {
    usage: 'login [-u USER] [-p PASSWORD | --password-stdin] [--node N] [REGISTRY]',
    summary: 'log in to a registry, Docker Hub if none is named',
    group: 'images',
    load: () => import('./commands/login.ts'),
  },
  logout: {
    usage: 'logout [REGISTRY]',
    summary: 'forget the login for a registry',
    group: 'images',
    load: () => import('./commands/logout.ts'),
  },
  save: {
    usage: 'save [-o FILE] [--node N] IMAGE…',
    summary: 'write images as a tar',
    group: 'images',
    load: () => import('./commands/save.ts'),
  },
  load: {
    usage: 'load [-i FILE|DIRECTORY] [-q] [--node N]',
    summary: 'bring images of a tar to the nodes',
    group: 'images',
    load: () => import('./commands/load.ts'),
  },
  import: {
    usage: 'import [-m MESSAGE] [-c CHANGE]… [--node N] FILE|- [REPOSITORY[:TAG]]',
    summary: 'make an image of a tar of files',
    group: 'images',
    load: () => import('./commands/import.ts'),
  },
  history: {
    usage: 'history [-q] [--no-trunc] [-H=false] [--format F] [--node N] IMAGE',
    summary: 'show how an image was made',
    group: 'images',
    load: () => import('./commands/history.ts'),
  },
  image: {
    usage:
      'image load FILE | pull NAME | push NAME | ls | inspect NAME | rm NAME | tag SOURCE TARGET | save | import | history | prune',
    summary: 'bring images to the cluster and list them',
    group: 'images',
    load: () => import('./commands/image.ts'),
  },
};
